"""Requests of transactions to the echo broker, for the tests in this folder."""

import echo_broker as eb
import kafka_bytes as kb

ADD_PARTITIONS, ADD_OFFSETS, END_TXN, DESCRIBE_PRODUCERS, DESCRIBE_TRANSACTIONS, LIST_TRANSACTIONS = 24, 25, 26, 61, 65, 66
OUT_OF_ORDER, INVALID_EPOCH, INVALID_STATE, INVALID_MAPPING, INVALID_TIMEOUT, CONCURRENT = 45, 47, 48, 49, 50, 51
NOT_AUTHORIZED, NOT_ATTEMPTED, FENCED, NOT_FOUND, ABORTABLE = 53, 55, 90, 105, 120
MARKER = 78  # bytes


class TransactionsTest(eb.BrokerTest):
    def setUp(self):
        super().setUp()
        self.one = self.client()
        self.ident = self.one.create(self.topic)

    def check_end(self):
        """The broker copies what it writes itself, markers, and no records of clients."""
        try:
            status, rest = self.broker.stop()
            self.assertEqual(status, 0, self.broker.errors())
            self.assertIn("copied to free frames: 0,", rest)
            self.assertNotIn("ERROR", self.broker.errors())
        finally:
            self.broker.process.stdout.close()
            self.broker.log.close()

    # -- requests

    def initialize(self, transactional_id="t", *, timeout=60_000, producer=(-1, -1), version=4):
        """(error, producer id, epoch)."""
        body = kb.init_producer_body(version, transactional_id, timeout, producer)
        return kb.init_producer_answer(version, self.one.ask(eb.INIT_PRODUCER, version, body))

    def producer(self, transactional_id="t", **options):
        error, *producer = self.initialize(transactional_id, **options)
        self.assertEqual(error, 0)
        return tuple(producer)

    def add(self, producer, topics=None, *, transactional_id="t", version=3, verify=False):
        """{(topic, index): error}; the error alone if there is only one partition."""
        body = kb.add_partitions_body(version, transactional_id, producer, topics or {self.topic: [0]}, verify)
        answer = kb.add_partitions_answer(version, self.one.ask(ADD_PARTITIONS, version, body))
        return answer if len(answer) > 1 else next(iter(answer.values()))

    def end(self, producer, commit, *, transactional_id="t", version=3):
        """The error; from v5 on (error, producer id, epoch)."""
        body = kb.end_transaction_body(version, transactional_id, producer, commit)
        answer = kb.end_transaction_answer(version, self.one.ask(END_TXN, version, body))
        if version < 5:
            self.assertEqual(answer[1:], (-1, -1))
            return answer[0]
        return answer

    def produce(self, producer, sequence, values=(b"v",), *, transactional_id="t", version=7, partition=0, transactional=True):
        """(error, base offset)."""
        batch = kb.batch(list(values), attributes=16 if transactional else 0, producer=(*producer, sequence))
        body = kb.produce_body(version, self.ident if version >= 13 else self.topic, [(partition, batch)], acks=-1,
                               transactional_id=transactional_id)
        return kb.produce_answer(version, self.one.ask(eb.PRODUCE, version, body))[0][1:]

    def fetch(self, offset=0, *, isolation=1, partition=0, **options):
        """(high watermark, last stable offset, aborted transactions, records)."""
        stable = {}
        body = kb.fetch_body(11, self.topic, [(partition, offset, 1 << 20)], isolation=isolation, **options)
        error, answer = kb.fetch_answer(11, self.one.ask(eb.FETCH, 11, body), stable)
        self.assertEqual((error, answer[0][1]), (0, 0))
        return answer[0][2], *stable[partition], answer[0][3]

    def latest(self, isolation):
        body = kb.list_offsets_body(5, self.topic, [(0, -1)], isolation=isolation)
        return kb.list_offsets_answer(5, self.one.ask(eb.LIST_OFFSETS, 5, body))[0][3]

    def state(self, transactional_id="t"):
        """(error, state, producer id, epoch, [(topic, [index])])."""
        w = kb.Writer(True)
        w.array([transactional_id], w.string)
        w.tags()
        r = kb.Reader(self.one.ask(DESCRIBE_TRANSACTIONS, 0, w.out), True)
        r.get("i")

        def topic():
            out = r.string(), r.array(lambda: r.get("i"))
            r.tags()
            return out

        def transaction():
            error = r.get("h")
            self.assertEqual(r.string(), transactional_id)
            state, (_timeout, _start, producer, epoch) = r.string(), r.get("iqqh")
            out = error, state, producer, epoch, r.array(topic)
            r.tags()
            return out
        out = r.array(transaction)[0]
        r.tags()
        r.end()
        return out
