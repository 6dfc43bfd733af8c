// kafkajs. See ../scenario.py.
import { createRequire } from 'node:module'
import process from 'node:process'

import * as s from './scenario.mjs'

// The packages are installed below the build directory, where NODE_PATH points.
const require = createRequire(import.meta.url)
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = new (require('kafkajs-lz4'))().codec
const compressions = { gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4 }

const client = (bootstrap) => new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 5 } })

// kafkajs has no consumer without a group.
async function consume(bootstrap, group, topic, seen, more = {}) {
  const consumer = client(bootstrap).consumer({ groupId: group, sessionTimeout: s.sessionMs, heartbeatInterval: 500, rebalanceTimeout: 10_000,
    metadataMaxAge: 1000, ...more })
  consumer.partitions = 0
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    consumer.partitions = payload.memberAssignment[topic]?.length ?? 0
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => { seen.push({ partition, ...message }) },
  })
  return consumer
}

const plainHeaders = (headers) => Object.entries(headers ?? {}).map(([key, value]) => [key, value])

async function readAll(bootstrap, topic, count, more = {}) {
  const seen = []
  const consumer = await consume(bootstrap, `${topic}-reader-${Math.random()}`, topic, seen, more)
  await s.waitFor(`${count} records`, () => seen.length >= count)
  await new Promise((done) => setTimeout(done, 500))
  await consumer.disconnect()
  return seen.map(({ key, value, headers }) => ({ key, value, headers: plainHeaders(headers) }))
}

async function produce(bootstrap, topic, records, { compression, acks, ...settings } = {}) {
  const producer = client(bootstrap).producer({ allowAutoTopicCreation: true, ...settings })
  await producer.connect()
  const messages = records.map(({ key, value, headers }) => ({ key, value, headers: Object.fromEntries(headers), partition: 0 }))
  const step = records[0].value?.length > 100_000 ? 1 : 100
  for (let i = 0; i < messages.length; i += step)
    await producer.send({ topic, messages: messages.slice(i, i + step), compression, acks })
  await producer.disconnect()
}

async function passThrough(name, bootstrap, topic) {
  if (name === 'zstd') process.exit(77) // its codec does not compile
  const records = s.recordsOf(name)
  const settings = { compression: compressions[name] }
  if (name === 'idempotent') settings.idempotent = true
  if (name === 'acks0') settings.acks = 0
  await produce(bootstrap, topic, records, settings)
  s.expectRecords(await readAll(bootstrap, topic, records.length), records)
}

async function transactions(_, bootstrap, topic) {
  const producer = client(bootstrap).producer({ transactionalId: `${topic}-writer`, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const written = {}
  for (const [name, keep] of [['first', true], ['aborted', false], ['last', true]]) {
    const transaction = await producer.transaction()
    written[name] = Array.from({ length: 50 }, (_, i) => ({ key: Buffer.from('k'), value: Buffer.from(`${name} ${i}`), headers: [] }))
    await transaction.send({ topic, messages: written[name].map(({ key, value }) => ({ key, value, partition: 0 })) })
    await (keep ? transaction.commit() : transaction.abort())
  }
  s.expectRecords(await readAll(bootstrap, topic, 100), [...written.first, ...written.last])
  s.expectRecords(await readAll(bootstrap, topic, 150, { readUncommitted: true }), [...written.first, ...written.aborted, ...written.last])
  const transaction = await producer.transaction()
  await transaction.sendOffsets({ consumerGroupId: `${topic}-group`, topics: [{ topic, partitions: [{ partition: 0, offset: '40' }] }] })
  await transaction.commit()
  await producer.disconnect()
  const admin = client(bootstrap).admin()
  await admin.connect()
  const [committed] = await admin.fetchOffsets({ groupId: `${topic}-group`, topics: [topic] })
  s.expect('committed offset', committed.partitions[0].offset, '40')
  await admin.disconnect()
}

async function member(_, bootstrap, topic) {
  const consumer = await consume(bootstrap, `${topic}-group`, topic, [])
  await new Promise((done) => process.on('SIGTERM', done))
  await consumer.disconnect()
}

async function group(_, bootstrap, topic) {
  const admin = client(bootstrap).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 4, replicationFactor: 1 }] })
  await produce(bootstrap, topic, s.recordsOf('plain'))
  const seen = []
  const first = await consume(bootstrap, `${topic}-group`, topic, seen)
  const has = (partitions) => s.waitFor(`${partitions} partitions`, () => first.partitions === partitions)
  await has(4)
  await s.besideOthers(import.meta.url, bootstrap, topic, has)
  await s.waitFor('all records', () => new Set(seen.map((m) => `${m.partition}/${m.offset}`)).size === 500)
  await first.commitOffsets([{ topic, partition: 0, offset: '321' }])
  await first.disconnect()
  const later = []
  const second = await consume(bootstrap, `${topic}-group`, topic, later)
  await s.waitFor('a record', () => later.length > 0)
  s.expect('first offset after the committed one', later[0].offset, '321')
  await second.disconnect()
  s.expect('the group is listed', (await admin.listGroups()).groups.some((g) => g.groupId === `${topic}-group`), true)
  await admin.deleteGroups([`${topic}-group`])
  await admin.disconnect()
}

async function admin(_, bootstrap, topic) {
  const admin = client(bootstrap).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 1 }] })
  // Another broker than the one that did it may answer, and know it a little later.
  await s.waitFor('the topic is listed', async () => (await admin.listTopics()).includes(topic))
  s.expect('partitions', (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length, 3)
  await admin.createPartitions({ topicPartitions: [{ topic, count: 5 }] })
  await admin.deleteTopics({ topics: [topic] })
  await s.waitFor('the end of the topic', async () => !(await admin.listTopics()).includes(topic))
  await admin.disconnect()
}

async function failover(_, bootstrap, topic) {
  const patient = { initialRetryTime: 100, maxRetryTime: 2000, retries: 100 }
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: patient })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, metadataMaxAge: 1000, retry: patient })
  await producer.connect()
  const consumer = kafka.consumer({ groupId: `${topic}-reader`, sessionTimeout: 30_000, metadataMaxAge: 1000, retry: patient })
  const seen = []
  const offsets = new Set() // a group reads records again that it has not committed when it loses its broker
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (!offsets.has(message.offset)) seen.push(message)
      offsets.add(message.offset)
    },
  })
  await s.failover((value) => producer.send({ topic, acks: -1, messages: [{ value, partition: 0 }] }), seen)
  await consumer.disconnect()
  await producer.disconnect()
}

const passed = Object.fromEntries(['plain', 'acks0', ...s.codecs, 'headers', 'nulls', 'large', 'idempotent'].map((name) => [name, passThrough]))
await s.main({ ...passed, transactions, group, member, admin, failover })
