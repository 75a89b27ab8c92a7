// Prints, as a JSON list, what asl-validator says of the definition on standard input.
import { readFileSync } from 'node:fs'
import validate from 'asl-validator'

const check = validate.default ?? validate
const { isValid, errors } = check(JSON.parse(readFileSync(0, 'utf8')))
console.log(JSON.stringify(isValid ? [] : errors.map((error) => error.Message ?? error.message ?? JSON.stringify(error))))
