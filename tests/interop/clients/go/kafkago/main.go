// segmentio/kafka-go. See ../../scenario.py.
package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"

	s "kwire/interop/clients/scenario"
)

var background = context.Background()

func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(background, s.Patience)
}

func plain(message kafka.Message) s.Record {
	out := s.Record{Key: message.Key, Value: message.Value}
	for _, header := range message.Headers {
		out.Headers = append(out.Headers, s.Header{Key: header.Key, Value: header.Value})
	}
	return out
}

func messages(records []s.Record) []kafka.Message {
	var out []kafka.Message
	for _, one := range records {
		message := kafka.Message{Key: one.Key, Value: one.Value}
		for _, header := range one.Headers {
			message.Headers = append(message.Headers, kafka.Header{Key: header.Key, Value: header.Value})
		}
		out = append(out, message)
	}
	return out
}

type first struct{}

func (first) Balance(kafka.Message, ...int) int { return 0 }

func produce(bootstrap, topic string, records []s.Record, codec kafka.Compression, acks kafka.RequiredAcks) {
	writer := &kafka.Writer{Addr: kafka.TCP(bootstrap), Topic: topic, Balancer: first{}, Compression: codec, RequiredAcks: acks,
		BatchTimeout: 10 * time.Millisecond, BatchBytes: 1_000_000, AllowAutoTopicCreation: true, MaxAttempts: 10}
	within, cancel := limited()
	defer cancel()
	var err error
	for attempt := 0; attempt < 20; attempt++ { // it does not wait for a topic that it has just created
		if err = writer.WriteMessages(within, messages(records)...); err != kafka.UnknownTopicOrPartition {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Check("produce", err)
	s.Check("close", writer.Close())
}

func readAll(bootstrap, topic string, count int) []s.Record {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{bootstrap}, Topic: topic, Partition: 0, MaxWait: 200 * time.Millisecond, MaxBytes: 10_000_000})
	defer reader.Close()
	within, cancel := limited()
	defer cancel()
	var seen []s.Record
	for len(seen) < count {
		message, err := reader.ReadMessage(within)
		s.Check("read", err)
		seen = append(seen, plain(message))
	}
	return seen
}

func passThrough(name, bootstrap, topic string) {
	if name == "idempotent" || name == "nulls" { // it has no idempotence, and its reader returns nil for what is empty
		s.Skip()
	}
	codecs := map[string]kafka.Compression{"gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}
	acks := kafka.RequireAll
	if name == "acks0" {
		acks = kafka.RequireNone
	}
	records := s.RecordsOf(name)
	produce(bootstrap, topic, records, codecs[name], acks)
	s.ExpectRecords(readAll(bootstrap, topic, len(records)), records)
}

func newMember(bootstrap, topic string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{Brokers: []string{bootstrap}, GroupID: topic + "-group", Topic: topic, MaxWait: 200 * time.Millisecond,
		HeartbeatInterval: 500 * time.Millisecond, SessionTimeout: s.Session, RebalanceTimeout: 10 * time.Second, StartOffset: kafka.FirstOffset, WatchPartitionChanges: true})
}

func member(_, bootstrap, topic string) {
	one := newMember(bootstrap, topic)
	stopped, stop := signal.NotifyContext(background, syscall.SIGTERM)
	defer stop()
	for stopped.Err() == nil {
		_, _ = one.FetchMessage(stopped)
	}
	_ = one.Close()
}

func group(_, bootstrap, topic string) {
	client := &kafka.Client{Addr: kafka.TCP(bootstrap), Timeout: s.Patience}
	created, err := client.CreateTopics(background, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 4, ReplicationFactor: 1}}})
	s.Check("create", err)
	s.Check("create", created.Errors[topic])
	produce(bootstrap, topic, s.RecordsOf("plain"), 0, kafka.RequireAll)
	one := newMember(bootstrap, topic)
	members := func(count int) {
		s.WaitFor("members of the group", func() bool {
			described, err := client.DescribeGroups(background, &kafka.DescribeGroupsRequest{GroupIDs: []string{topic + "-group"}})
			if err != nil || len(described.Groups) != 1 {
				return false
			}
			assigned := 0
			for _, other := range described.Groups[0].Members {
				for _, t := range other.MemberAssignments.Topics {
					assigned += len(t.Partitions)
				}
			}
			return described.Groups[0].GroupState == "Stable" && len(described.Groups[0].Members) == count && assigned == 4
		})
	}
	members(1)
	s.BesideOthers(bootstrap, topic, func() { members(2) }, func() { members(1) })
	seen := map[int64]kafka.Message{}
	within, cancel := limited()
	defer cancel()
	for len(seen) < 500 {
		message, err := one.FetchMessage(within)
		s.Check("fetch", err)
		seen[message.Offset] = message
	}
	s.Check("commit", one.CommitMessages(background, seen[320]))
	s.Check("close", one.Close())
	later := newMember(bootstrap, topic)
	message, err := later.FetchMessage(within)
	s.Check("fetch", err)
	s.Expect("first offset after the committed one", message.Offset, 321)
	s.Check("close", later.Close())
}

func admin(_, bootstrap, topic string) {
	// It answers from what it has remembered, for six seconds if not told otherwise.
	client := &kafka.Client{Addr: kafka.TCP(bootstrap), Timeout: s.Patience, Transport: &kafka.Transport{MetadataTTL: 50 * time.Millisecond}}
	created, err := client.CreateTopics(background, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 3, ReplicationFactor: 1}}})
	s.Check("create", err)
	s.Check("create", created.Errors[topic])
	listed, err := client.Metadata(background, &kafka.MetadataRequest{Topics: []string{topic}})
	s.Check("metadata", err)
	s.Expect("partitions", len(listed.Topics[0].Partitions), 3)
	deleted, err := client.DeleteTopics(background, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	s.Check("delete", err)
	s.Check("delete", deleted.Errors[topic])
	s.WaitFor("the end of the topic", func() bool {
		listed, err = client.Metadata(background, &kafka.MetadataRequest{})
		s.Check("metadata", err)
		for _, one := range listed.Topics {
			if one.Name == topic {
				return false
			}
		}
		return true
	})
}

func main() {
	all := map[string]func(name, bootstrap, topic string){"group": group, "member": member, "admin": admin}
	for _, name := range s.PassThrough {
		all[name] = passThrough
	}
	s.Main(all)
}
