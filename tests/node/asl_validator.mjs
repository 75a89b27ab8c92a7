// Prints, as JSON, what asl-validator says of each definition of standard input: {name: text} becomes {name: [complaint]}.
import { readFileSync } from 'node:fs'
import validate from 'asl-validator'

const check = validate.default ?? validate
const complaints = (text) => {
  const { isValid, errors } = check(JSON.parse(text))
  return isValid ? [] : errors.map((error) => error.Message ?? error.message ?? JSON.stringify(error))
}
const given = Object.entries(JSON.parse(readFileSync(0, 'utf8')))
console.log(JSON.stringify(Object.fromEntries(given.map(([name, text]) => [name, complaints(text)]))))
