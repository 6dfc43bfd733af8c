// What the drivers in JavaScript share. See ../scenario.py, whose records these are.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const patience = 60_000
export const sessionMs = 6000
export const codecs = ['gzip', 'snappy', 'lz4', 'zstd']

const valueOf = (number, size) => {
  const text = `record ${number} of the scenario;`
  return Buffer.from(text.repeat(Math.floor(size / text.length) + 1).slice(0, size))
}

export function recordsOf(scenario) {
  const range = (count, make) => Array.from({ length: count }, (_, i) => make(i))
  const text = (value) => Buffer.from(value)
  if (scenario === 'large') return range(10, (i) => ({ key: text(`k${i}`), value: valueOf(i, 900_000), headers: [] }))
  if (scenario === 'headers')
    return range(100, (i) => ({ key: text(`k${i}`), value: valueOf(i, 50), headers: [['trace', text(`${i}`)], ['empty', text('')]] }))
  if (scenario === 'nulls')
    return range(100, (i) => [[null, text('value')], [text('key'), null], [text(''), text('')], [text('key'), text('')]][i % 4])
      .map(([key, value]) => ({ key, value, headers: [] }))
  return range(500, (i) => ({ key: text(`k${i}`), value: valueOf(i, ((i * 37) % 2000) + 1), headers: [] }))
}

export function expect(what, seen, wanted) {
  const [one, other] = [seen, wanted].map((x) => JSON.stringify(x))
  if (one !== other) throw new Error(`${what}: ${one?.slice(0, 200)}, expected ${other?.slice(0, 200)}`)
}

export function expectRecords(seen, wanted) {
  expect('count of records', seen.length, wanted.length)
  seen.forEach((record, i) => expect(`record ${i}`, record, wanted[i]))
}

export async function waitFor(what, happens, forMs = patience) {
  const end = Date.now() + forMs
  while (!(await happens())) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${forMs} ms`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

// A second member joins, in a process of its own, and is killed; then another one, which leaves. `has` waits until the first
// member has that number of partitions.
export async function besideOthers(driver, bootstrap, topic, has) {
  for (const ending of ['SIGKILL', 'SIGTERM']) {
    const other = spawn(process.execPath, [fileURLToPath(driver), 'member', bootstrap, topic], { stdio: 'inherit' })
    try {
      await has(2)
      other.kill(ending)
      await has(4)
    } finally {
      other.kill('SIGKILL')
    }
  }
}

// Writes numbered values one by one, each acknowledged, until the file ENOUGH exists: meanwhile leaders change and brokers stop.
export async function failover(send, seen) {
  let sent = 0
  for (; sent < 50 || !existsSync(process.env.ENOUGH); ++sent) {
    await send(`${sent}`)
    await new Promise((done) => setTimeout(done, 20))
  }
  await waitFor('all records', () => seen.length >= sent)
  expect('values', seen.map((m) => m.value.toString()), Array.from({ length: sent }, (_, i) => `${i}`))
}

// Runs the scenario of the command line; `scenarios` maps names to functions (scenario, bootstrap, topic).
export async function main(scenarios) {
  const [scenario, bootstrap, topic] = process.argv.slice(2)
  if (!(scenario in scenarios)) process.exit(77)
  try {
    await scenarios[scenario](scenario, bootstrap, topic)
    process.exit(0)
  } catch (error) {
    console.error(error)
    process.exit(1)
  }
}
