// IBM/sarama. See ../../scenario.py.
package main

import (
	"context"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/IBM/sarama"

	s "kwire/interop/clients/scenario"
)

func config() *sarama.Config {
	out := sarama.NewConfig()
	out.Version = sarama.V4_1_0_0
	out.Producer.Return.Successes = true
	out.Producer.Partitioner = sarama.NewManualPartitioner
	out.Producer.MaxMessageBytes = 1_000_000 // of a batch; the broker takes 1,048,588
	out.Consumer.Offsets.Initial = sarama.OffsetOldest
	out.Consumer.Offsets.AutoCommit.Enable = false
	out.Consumer.Group.Session.Timeout = s.Session
	out.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	out.Metadata.RefreshFrequency = time.Second
	return out
}

func produce(bootstrap, topic string, records []s.Record, change func(*sarama.Config)) {
	settings := config()
	change(settings)
	writer, err := sarama.NewSyncProducer([]string{bootstrap}, settings)
	s.Check("producer", err)
	s.Check("produce", writer.SendMessages(messages(topic, records)))
	s.Check("close", writer.Close())
}

// null keeps a null key or value null.
func null(bytes []byte) sarama.Encoder {
	if bytes == nil {
		return nil
	}
	return sarama.ByteEncoder(bytes)
}

func messages(topic string, records []s.Record) []*sarama.ProducerMessage {
	var out []*sarama.ProducerMessage
	for _, one := range records {
		message := &sarama.ProducerMessage{Topic: topic, Key: null(one.Key), Value: null(one.Value)}
		for _, header := range one.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Key), Value: header.Value})
		}
		out = append(out, message)
	}
	return out
}

func plain(message *sarama.ConsumerMessage) s.Record {
	out := s.Record{Key: message.Key, Value: message.Value}
	for _, header := range message.Headers {
		out.Headers = append(out.Headers, s.Header{Key: string(header.Key), Value: header.Value})
	}
	return out
}

func readAll(bootstrap, topic string, count int, isolation sarama.IsolationLevel) []s.Record {
	settings := config()
	settings.Consumer.IsolationLevel = isolation
	reader, err := sarama.NewConsumer([]string{bootstrap}, settings)
	s.Check("consumer", err)
	partition, err := reader.ConsumePartition(topic, 0, sarama.OffsetOldest)
	s.Check("partition", err)
	var seen []s.Record
	patience := time.After(s.Patience)
	for len(seen) < count {
		select {
		case message := <-partition.Messages():
			seen = append(seen, plain(message))
		case <-patience:
			s.Fail("%d of %d records came", len(seen), count)
		}
	}
	select {
	case message := <-partition.Messages():
		seen = append(seen, plain(message))
	case <-time.After(500 * time.Millisecond):
	}
	s.Check("close", partition.Close())
	s.Check("close", reader.Close())
	return seen
}

func passThrough(name, bootstrap, topic string) {
	codecs := map[string]sarama.CompressionCodec{"gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}
	records := s.RecordsOf(name)
	produce(bootstrap, topic, records, func(c *sarama.Config) {
		c.Producer.Compression = codecs[name]
		c.Producer.RequiredAcks = sarama.WaitForAll
		if name == "acks0" {
			c.Producer.RequiredAcks = sarama.NoResponse
		}
		if name == "idempotent" {
			c.Producer.Idempotent = true
			c.Net.MaxOpenRequests = 1
		}
	})
	s.ExpectRecords(readAll(bootstrap, topic, len(records), sarama.ReadUncommitted), records)
}

func transactions(_, bootstrap, topic string) {
	settings := config()
	settings.Producer.Idempotent = true
	settings.Producer.Transaction.ID = topic + "-writer"
	settings.Producer.RequiredAcks = sarama.WaitForAll
	settings.Net.MaxOpenRequests = 1
	writer, err := sarama.NewSyncProducer([]string{bootstrap}, settings)
	s.Check("producer", err)
	var kept, all []s.Record
	for _, part := range []struct {
		name string
		keep bool
	}{{"first", true}, {"aborted", false}, {"last", true}} {
		records := s.Text(part.name, 50)
		s.Check("begin", writer.BeginTxn())
		s.Check("produce", writer.SendMessages(messages(topic, records)))
		all = append(all, records...)
		if part.keep {
			kept = append(kept, records...)
			s.Check("commit", writer.CommitTxn())
		} else {
			s.Check("abort", writer.AbortTxn())
		}
	}
	s.ExpectRecords(readAll(bootstrap, topic, 100, sarama.ReadCommitted), kept)
	s.ExpectRecords(readAll(bootstrap, topic, 150, sarama.ReadUncommitted), all)
	s.Check("begin", writer.BeginTxn())
	s.Check("offsets", writer.AddOffsetsToTxn(map[string][]*sarama.PartitionOffsetMetadata{topic: {{Partition: 0, Offset: 40}}}, topic+"-group"))
	s.Check("commit", writer.CommitTxn())
	s.Check("close", writer.Close())
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	s.Check("admin", err)
	offsets, err := admin.ListConsumerGroupOffsets(topic+"-group", map[string][]int32{topic: {0}})
	s.Check("offsets", err)
	s.Expect("committed offset", offsets.GetBlock(topic, 0).Offset, 40)
}

type groupMember struct {
	partitions atomic.Int32
	mutex      sync.Mutex
	seen       map[[2]int64]bool
	first      int64
	session    sarama.ConsumerGroupSession
}

func (m *groupMember) Setup(session sarama.ConsumerGroupSession) error {
	count := 0
	for _, partitions := range session.Claims() {
		count += len(partitions)
	}
	m.mutex.Lock()
	m.session = session
	m.mutex.Unlock()
	m.partitions.Store(int32(count))
	return nil
}

func (m *groupMember) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *groupMember) ConsumeClaim(_ sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		m.mutex.Lock()
		if len(m.seen) == 0 {
			m.first = message.Offset
		}
		m.seen[[2]int64{int64(message.Partition), message.Offset}] = true
		m.mutex.Unlock()
	}
	return nil
}

func join(ctx context.Context, bootstrap, topic string) (*groupMember, func()) {
	group, err := sarama.NewConsumerGroup([]string{bootstrap}, topic+"-group", config())
	s.Check("group", err)
	one := &groupMember{seen: map[[2]int64]bool{}}
	inner, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		for inner.Err() == nil {
			_ = group.Consume(inner, []string{topic}, one)
		}
		close(done)
	}()
	return one, func() { cancel(); <-done; s.Check("close", group.Close()) }
}

func member(_, bootstrap, topic string) {
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	_, leave := join(stopped, bootstrap, topic)
	<-stopped.Done()
	leave()
}

func group(_, bootstrap, topic string) {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	s.Check("admin", err)
	s.Check("create", admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 4, ReplicationFactor: 1}, false))
	produce(bootstrap, topic, s.RecordsOf("plain"), func(*sarama.Config) {})
	first, leave := join(context.Background(), bootstrap, topic)
	has := func(count int32) {
		s.WaitFor("partitions of the first member", func() bool { return first.partitions.Load() == count })
	}
	has(4)
	s.BesideOthers(bootstrap, topic, func() { has(2) }, func() { has(4) })
	s.WaitFor("all records", func() bool {
		first.mutex.Lock()
		defer first.mutex.Unlock()
		return len(first.seen) == 500
	})
	first.session.MarkOffset(topic, 0, 321, "")
	first.session.Commit()
	leave()
	later, leaveLater := join(context.Background(), bootstrap, topic)
	s.WaitFor("a record", func() bool { later.mutex.Lock(); defer later.mutex.Unlock(); return len(later.seen) > 0 })
	s.Expect("first offset after the committed one", later.first, 321)
	leaveLater()
	groups, err := admin.ListConsumerGroups()
	s.Check("groups", err)
	_, listed := groups[topic+"-group"]
	s.Expect("the group is listed", listed, true)
	s.Check("delete group", admin.DeleteConsumerGroup(topic+"-group"))
}

func admin(_, bootstrap, topic string) {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, config())
	s.Check("admin", err)
	limit := "5000"
	s.Check("create", admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1, ConfigEntries: map[string]*string{"max.message.bytes": &limit}}, false))
	// Another broker than the one that did it may answer, and know it a little later.
	s.WaitFor("three partitions", func() bool {
		topics, err := admin.ListTopics()
		s.Check("list", err)
		return topics[topic].NumPartitions == 3
	})
	described, err := admin.DescribeTopics([]string{topic})
	s.Check("describe", err)
	s.Expect("partitions", len(described[0].Partitions), 3)
	s.Check("partitions", admin.CreatePartitions(topic, 5, nil, false))
	s.Check("delete", admin.DeleteTopic(topic))
	s.WaitFor("the end of the topic", func() bool {
		topics, err := admin.ListTopics()
		s.Check("list", err)
		_, listed := topics[topic]
		return !listed
	})
}

func failover(_, bootstrap, topic string) {
	settings := config()
	settings.Producer.RequiredAcks = sarama.WaitForAll
	settings.Producer.Retry.Max = 100
	settings.Producer.Idempotent = true
	settings.Net.MaxOpenRequests = 1
	settings.Metadata.Retry.Max = 100
	writer, err := sarama.NewSyncProducer([]string{bootstrap}, settings)
	s.Check("producer", err)
	reader, err := sarama.NewConsumer([]string{bootstrap}, settings)
	s.Check("consumer", err)
	partition, err := reader.ConsumePartition(topic, 0, sarama.OffsetOldest)
	s.Check("partition", err)
	read := make(chan string, 1<<20)
	go func() {
		for message := range partition.Messages() {
			read <- string(message.Value)
		}
	}()
	s.Failover(func(value string) {
		_, _, err := writer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)})
		s.Check("produce", err)
	}, read)
	s.Check("close", partition.Close())
	s.Check("close", reader.Close())
	s.Check("close", writer.Close())
}

func main() {
	all := map[string]func(name, bootstrap, topic string){"transactions": transactions, "group": group, "member": member, "admin": admin, "failover": failover}
	for _, name := range s.PassThrough {
		all[name] = passThrough
	}
	s.Main(all)
}
