// Evaluates, with the reference JSONata, each line of standard input: {expression, bindings, milliseconds, drawn}.
// Prints the results, a line each. Functions that Step Functions adds to JSONata are defined as its documentation has them.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import jsonata from 'jsonata'

for (const line of readFileSync(0, 'utf8').trimEnd().split('\n')) {
  const { expression, bindings, milliseconds, drawn } = JSON.parse(line)
  const compiled = jsonata(expression)
  compiled.registerFunction('parse', (text) => JSON.parse(text))
  compiled.registerFunction('hash', (text, algorithm) => createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex'))
  compiled.registerFunction('partition', (array, size) => array.flatMap((_, i) => (i % size ? [] : [array.slice(i, i + size)])))
  compiled.registerFunction('random', () => drawn.shift())
  compiled.registerFunction('uuid', () => drawn.shift())
  compiled.registerFunction('millis', () => milliseconds)
  console.log(JSON.stringify((await compiled.evaluate({}, bindings)) ?? null))
}
