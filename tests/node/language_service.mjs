// Prints, as JSON, what AWS's language service for Amazon States Language says of each definition of standard input:
// {name: text} becomes {name: [complaint]}.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(import.meta.url)
const { getLanguageService } = require('amazon-states-language-service')
const { TextDocument } = require('vscode-languageserver-textdocument')

const service = getLanguageService({})
const complaints = async (text) => {
  const document = TextDocument.create('file:///definition.asl.json', 'asl', 1, text)
  const diagnostics = await service.doValidation(document, service.parseJSONDocument(document), {})
  return diagnostics.map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)
}
const found = {}
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) found[name] = await complaints(text)
console.log(JSON.stringify(found))
