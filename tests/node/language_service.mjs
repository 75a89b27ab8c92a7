// Prints, as a JSON list, what AWS's language service for Amazon States Language says of the definition on standard input.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(import.meta.url)
const { getLanguageService } = require('amazon-states-language-service')
const { TextDocument } = require('vscode-languageserver-textdocument')

const service = getLanguageService({})
const document = TextDocument.create('file:///definition.asl.json', 'asl', 1, readFileSync(0, 'utf8'))
const diagnostics = await service.doValidation(document, service.parseJSONDocument(document), {})
console.log(JSON.stringify(diagnostics.map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)))
