// kafka-ts. GROUP_PROTOCOL may be `consumer`. Its producers are always idempotent and never compress; keys and values are texts. See ../scenario.py.
import process from 'node:process'

import { API, createKafkaClient, setLogger } from 'kafka-ts'

import * as s from './scenario.mjs'

const earliest = -2n
setLogger({ debug() {}, info() {}, warn() {}, error: (...what) => console.error(...what) })

function clientOf(bootstrap) {
  const [host, port] = bootstrap.split(':')
  return createKafkaClient({ clientId: 'kafka-ts', bootstrapServers: [{ host, port: Number(port) }] })
}

const text = (bytes) => (bytes === null ? null : bytes.toString())
const messagesOf = (topic, records) => records.map(({ key, value, headers }) => ({ topic, partition: 0, key: text(key), value: text(value),
  headers: Object.fromEntries(headers.map(([name, bytes]) => [name, text(bytes)])) }))

async function produce(bootstrap, topic, records) {
  const producer = clientOf(bootstrap).createProducer({ allowTopicAutoCreation: true })
  const step = records[0].value?.length > 100_000 ? 1 : 100
  for (let i = 0; i < records.length; i += step) await producer.send(messagesOf(topic, records.slice(i, i + step)))
  await producer.close()
}

const consume = (bootstrap, topic, seen, more = {}) => clientOf(bootstrap).startConsumer({ topics: [topic], fromTimestamp: earliest, maxWaitMs: 200,
  onBatch: (messages) => void seen.push(...messages), ...more })

async function passThrough(name, bootstrap, topic) {
  const records = s.recordsOf(name)
  await produce(bootstrap, topic, records)
  const seen = []
  const consumer = await consume(bootstrap, topic, seen)
  await s.waitFor(`${records.length} records`, () => seen.length >= records.length)
  await new Promise((done) => setTimeout(done, 500))
  await consumer.close()
  const plain = ({ key, value, headers }) => ({ key: key ?? null, value: value ?? null, headers: headers ?? {} })
  s.expectRecords(seen.map(plain), messagesOf(topic, records).map(plain))
}

const groupOf = (topic) => ({ groupId: `${topic}-group`, groupProtocol: process.env.GROUP_PROTOCOL ?? 'classic', sessionTimeoutMs: s.sessionMs, rebalanceTimeoutMs: s.sessionMs })

async function member(_, bootstrap, topic) {
  const consumer = await consume(bootstrap, topic, [], groupOf(topic))
  await new Promise((done) => process.on('SIGTERM', done))
  await consumer.close()
}

async function create(cluster, topic, numPartitions) {
  const { controllerId } = await cluster.sendRequest(API.METADATA, { allowTopicAutoCreation: false, includeTopicAuthorizedOperations: false, topics: [] })
  await cluster.sendRequestToNode(controllerId)(API.CREATE_TOPICS, { validateOnly: false, timeoutMs: 10_000,
    topics: [{ name: topic, numPartitions, replicationFactor: 1, assignments: [], configs: [] }] })
  return controllerId
}

async function partitionsOf(cluster, topic) {
  const { topics } = await cluster.sendRequest(API.METADATA, { allowTopicAutoCreation: false, includeTopicAuthorizedOperations: false,
    topics: [{ id: null, name: topic }] })
  return topics[0].partitions.length
}

async function group(_, bootstrap, topic) {
  const cluster = clientOf(bootstrap).createCluster()
  await cluster.connect()
  await create(cluster, topic, 4)
  await cluster.disconnect()
  const records = s.recordsOf('plain')
  const producer = clientOf(bootstrap).createProducer({})
  await producer.send(messagesOf(topic, records).map((message, i) => ({ ...message, partition: i % 4 })))
  const seen = []
  const first = await consume(bootstrap, topic, seen, groupOf(topic))
  await s.waitFor('all records', () => new Set(seen.map((m) => `${m.partition}/${m.offset}`)).size === records.length)
  // A member does not tell how many partitions it has, but new records of each do.
  const has = (partitions) => s.waitFor(`${partitions} partitions`, async () => {
    const before = seen.length
    await producer.send([0, 1, 2, 3].map((partition) => ({ topic, partition, key: null, value: 'who reads this?' })))
    await new Promise((done) => setTimeout(done, 500))
    return new Set(seen.slice(before).map((m) => m.partition)).size === partitions
  })
  await has(4)
  await s.besideOthers(import.meta.url, bootstrap, topic, has)
  await first.close()
  const later = []
  const second = await consume(bootstrap, topic, later, groupOf(topic))
  await producer.send([{ topic, partition: 2, key: null, value: 'after the commit' }])
  await s.waitFor('a record', () => later.length > 0)
  s.expect('the first record after the committed one', later[0].value, 'after the commit')
  await second.close()
  await producer.close()
}

async function admin(_, bootstrap, topic) {
  const cluster = clientOf(bootstrap).createCluster()
  await cluster.connect()
  const controllerId = await create(cluster, topic, 3)
  s.expect('partitions', await partitionsOf(cluster, topic), 3)
  await cluster.sendRequestToNode(controllerId)(API.DELETE_TOPICS, { topics: [{ name: topic, topicId: null }], timeoutMs: 10_000 })
  const { topics } = await cluster.sendRequest(API.METADATA, { allowTopicAutoCreation: false, includeTopicAuthorizedOperations: false, topics: null })
  s.expect('the topic is listed', topics.some((one) => one.name === topic), false)
  await cluster.disconnect()
}

const passed = Object.fromEntries(['plain', 'headers', 'nulls', 'large', 'idempotent'].map((name) => [name, passThrough]))
await s.main({ ...passed, group, member, admin })
