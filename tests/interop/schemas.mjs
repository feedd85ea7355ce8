// node schemas.mjs FOLDER: writes the schema of each installed client as TL text, layer-N.tl, so that
// the sandbox can answer that client in its own layer.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(import.meta.url)
const folder = process.argv[2]

// mtcute keeps its schema in a JSON form of its own: modifiers stand beside the type, and what it
// reads as a number below 2^53 is a `long` on the wire.
function typeText (type, modifiers = {}) {
  const named = type === 'int53' ? 'long' : type
  const full = modifiers.isVector ? `Vector<${named}>` : named
  return modifiers.predicate ? `${modifiers.predicate}?${full}` : full
}

function line (entry) {
  const id = (entry.id >>> 0).toString(16).padStart(8, '0')
  const generics = (entry.generics ?? []).map(g => `{${g.name}:${g.type}}`)
  const fields = entry.arguments.map(a => `${a.name}:${typeText(a.type, a.typeModifiers)}`)
  return [`${entry.name}#${id}`, ...generics, ...fields, '=',
    `${typeText(entry.type, entry.typeModifiers)};`].join(' ')
}

function fromMtcute () {
  // The package exports its code alone, so the file is found beside this script.
  const file = new URL('node_modules/@mtcute/core/tl/api-schema.json', import.meta.url)
  const { l: layer, e: entries } = JSON.parse(readFileSync(file))
  const of = kind => entries.filter(e => e.kind === kind).map(line)
  // mtcute takes these two for granted.
  const known = new Set(entries.map(e => e.name))
  const base = ['boolFalse#bc799737 = Bool;', 'boolTrue#997275b5 = Bool;', 'true#3fedd339 = True;']
    .filter(l => !known.has(l.split('#')[0]))
  return { layer, text: [...base, ...of('class'), '---functions---', ...of('method')].join('\n') }
}

function fromGramjs () {
  const text = require('telegram/tl/apiTl.js')
  // The generic vector is part of the language, not of the schema.
  const lines = text.split('\n').filter(l => !l.startsWith('vector#'))
  return { layer: require('telegram/tl/AllTLObjects.js').LAYER, text: lines.join('\n') }
}

for (const { layer, text } of [fromMtcute(), fromGramjs()]) {
  writeFileSync(path.join(folder, `layer-${layer}.tl`), `// LAYER ${layer}\n${text}\n`)
  console.log(`schema of layer ${layer}`)
}
