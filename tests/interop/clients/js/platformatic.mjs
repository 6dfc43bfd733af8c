// @platformatic/kafka. See ../scenario.py.
import process from 'node:process'

import { Admin, Consumer, MessagesStreamModes, ProduceAcks, Producer } from '@platformatic/kafka'

import * as s from './scenario.mjs'

const base = (bootstrap) => ({ clientId: 'platformatic', bootstrapBrokers: [bootstrap], retries: 5, retryDelay: 100, metadataMaxAge: 1000 })

// It has no consumer without a group.
async function consume(bootstrap, group, topic, seen, { mode = MessagesStreamModes.EARLIEST, ...more } = {}) {
  const consumer = new Consumer({ ...base(bootstrap), groupId: group, sessionTimeout: s.sessionMs, heartbeatInterval: 500, rebalanceTimeout: 6000,
    autocommit: false, maxWaitTime: 200, ...more })
  const stream = await consumer.consume({ topics: [topic], mode, fallbackMode: 'earliest' })
  stream.on('data', (message) => seen.push(message))
  stream.on('error', (error) => console.error(error))
  consumer.partitions = () => (consumer.assignments ?? []).reduce((sum, one) => sum + one.partitions.length, 0)
  return consumer
}

async function readAll(bootstrap, topic, count, more = {}) {
  const seen = []
  const consumer = await consume(bootstrap, `${topic}-reader-${Math.random()}`, topic, seen, more)
  await s.waitFor(`${count} records`, () => seen.length >= count)
  await new Promise((done) => setTimeout(done, 500))
  await consumer.close(true)
  return seen.map(({ key, value, headers }) => ({ key: key ?? null, value: value ?? null,
    headers: [...headers].map(([name, bytes]) => [name.toString(), bytes]) }))
}

const messagesOf = (topic, records) => records.map(({ key, value, headers }) => ({ topic, partition: 0, key: key ?? undefined, value: value ?? undefined,
  headers: new Map(headers.map(([name, bytes]) => [Buffer.from(name), bytes])) }))

async function produce(bootstrap, topic, records, settings = {}) {
  const producer = new Producer({ ...base(bootstrap), autocreateTopics: true, ...settings })
  const step = records[0].value?.length > 100_000 ? 1 : 100
  for (let i = 0; i < records.length; i += step)
    await producer.send({ messages: messagesOf(topic, records.slice(i, i + step)), acks: settings.acks ?? ProduceAcks.LEADER })
  await producer.close()
}

async function passThrough(name, bootstrap, topic) {
  const records = s.recordsOf(name)
  const settings = {}
  if (s.codecs.includes(name)) settings.compression = name
  if (name === 'idempotent') Object.assign(settings, { idempotent: true, acks: ProduceAcks.ALL })
  if (name === 'acks0') settings.acks = ProduceAcks.NO_RESPONSE
  await produce(bootstrap, topic, records, settings)
  s.expectRecords(await readAll(bootstrap, topic, records.length), records)
}

async function transactions(_, bootstrap, topic) {
  const producer = new Producer({ ...base(bootstrap), autocreateTopics: true, idempotent: true, transactionalId: `${topic}-writer` })
  const written = {}
  for (const [name, keep] of [['first', true], ['aborted', false], ['last', true]]) {
    const transaction = await producer.beginTransaction()
    written[name] = Array.from({ length: 50 }, (_, i) => ({ key: Buffer.from('k'), value: Buffer.from(`${name} ${i}`), headers: [] }))
    await transaction.send({ messages: messagesOf(topic, written[name]) })
    await (keep ? transaction.commit() : transaction.abort())
  }
  await producer.close()
  s.expectRecords(await readAll(bootstrap, topic, 100, { isolationLevel: 1 }), [...written.first, ...written.last])
  s.expectRecords(await readAll(bootstrap, topic, 150, { isolationLevel: 0 }), [...written.first, ...written.aborted, ...written.last])
}

async function member(_, bootstrap, topic) {
  const consumer = await consume(bootstrap, `${topic}-group`, topic, [])
  await new Promise((done) => process.on('SIGTERM', done))
  await consumer.close(true)
}

async function group(_, bootstrap, topic) {
  const admin = new Admin(base(bootstrap))
  await admin.createTopics({ topics: [topic], partitions: 4, replicas: 1 })
  await produce(bootstrap, topic, s.recordsOf('plain'))
  const seen = []
  const first = await consume(bootstrap, `${topic}-group`, topic, seen)
  const has = (partitions) => s.waitFor(`${partitions} partitions`, () => first.partitions() === partitions)
  await has(4)
  await s.besideOthers(import.meta.url, bootstrap, topic, has)
  await s.waitFor('all records', () => new Set(seen.map((m) => `${m.partition}/${m.offset}`)).size === 500)
  await first.commit({ offsets: [{ topic, partition: 0, offset: 321n, leaderEpoch: 0 }] })
  await first.close(true)
  const later = []
  const second = await consume(bootstrap, `${topic}-group`, topic, later, { mode: MessagesStreamModes.COMMITTED })
  await s.waitFor('a record', () => later.length > 0)
  s.expect('first offset after the committed one', `${later[0].offset}`, '321')
  await second.close(true)
  s.expect('the group is listed', (await admin.listGroups()).has(`${topic}-group`), true)
  await admin.deleteGroups({ groups: [`${topic}-group`] })
  await admin.close()
}

async function admin(_, bootstrap, topic) {
  const admin = new Admin(base(bootstrap))
  await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
  s.expect('the topic is listed', (await admin.listTopics()).includes(topic), true)
  s.expect('partitions', (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount, 3)
  await admin.deleteTopics({ topics: [topic] })
  s.expect('the topic is listed', (await admin.listTopics()).includes(topic), false)
  await admin.close()
}

const passed = Object.fromEntries(['plain', 'acks0', ...s.codecs, 'headers', 'nulls', 'large', 'idempotent'].map((name) => [name, passThrough]))
await s.main({ ...passed, transactions, group, member, admin })
