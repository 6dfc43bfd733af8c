// franz-go. See ../../scenario.py.
package main

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	s "kwire/interop/clients/scenario"
)

var background = context.Background()

func client(bootstrap string, options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(time.Second)}, options...)...)
	s.Check("client", err)
	return made
}

func plain(record *kgo.Record) s.Record {
	out := s.Record{Key: record.Key, Value: record.Value}
	for _, header := range record.Headers {
		out.Headers = append(out.Headers, s.Header{Key: header.Key, Value: header.Value})
	}
	return out
}

func readAll(bootstrap, topic string, count int, options ...kgo.Opt) []s.Record {
	reader := client(bootstrap, append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))...)
	defer reader.Close()
	var seen []s.Record
	poll := func(patience time.Duration) {
		limited, cancel := context.WithTimeout(background, patience)
		defer cancel()
		reader.PollFetches(limited).EachRecord(func(one *kgo.Record) { seen = append(seen, plain(one)) })
	}
	s.WaitFor("all records", func() bool { poll(time.Second); return len(seen) >= count })
	poll(500 * time.Millisecond)
	return seen
}

func produce(writer *kgo.Client, topic string, records []s.Record) {
	var sent []*kgo.Record
	for _, one := range records {
		record := &kgo.Record{Topic: topic, Key: one.Key, Value: one.Value}
		for _, header := range one.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: header.Key, Value: header.Value})
		}
		sent = append(sent, record)
	}
	limited, cancel := context.WithTimeout(background, s.Patience)
	defer cancel()
	s.Check("produce", writer.ProduceSync(limited, sent...).FirstErr())
}

func passThrough(name, bootstrap, topic string) {
	var options []kgo.Opt
	codecs := map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	if codec, found := codecs[name]; found {
		options = append(options, kgo.ProducerBatchCompression(codec))
	} else {
		options = append(options, kgo.ProducerBatchCompression(kgo.NoCompression()))
	}
	if name == "acks0" {
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	} else if name != "idempotent" {
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	records := s.RecordsOf(name)
	writer := client(bootstrap, options...)
	produce(writer, topic, records)
	writer.Close()
	s.ExpectRecords(readAll(bootstrap, topic, len(records)), records)
}

func transactions(_, bootstrap, topic string) {
	writer := client(bootstrap, kgo.TransactionalID(topic+"-writer"))
	var kept, all []s.Record
	for _, part := range []struct {
		name string
		keep kgo.TransactionEndTry
	}{{"first", kgo.TryCommit}, {"aborted", kgo.TryAbort}, {"last", kgo.TryCommit}} {
		s.Check("begin", writer.BeginTransaction())
		records := s.Text(part.name, 50)
		produce(writer, topic, records)
		s.Check("flush", writer.Flush(background))
		s.Check("end", writer.EndTransaction(background, part.keep))
		all = append(all, records...)
		if part.keep == kgo.TryCommit {
			kept = append(kept, records...)
		}
	}
	writer.Close()
	s.ExpectRecords(readAll(bootstrap, topic, 100, kgo.FetchIsolationLevel(kgo.ReadCommitted())), kept)
	s.ExpectRecords(readAll(bootstrap, topic, 150, kgo.FetchIsolationLevel(kgo.ReadUncommitted())), all)
	// Consume, and commit the offsets with a transaction.
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(bootstrap), kgo.TransactionalID(topic+"-mover"), kgo.ConsumerGroup(topic+"-group"),
		kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets())
	s.Check("session", err)
	seen := 0
	s.WaitFor("all committed records", func() bool {
		limited, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		fetched := session.PollFetches(limited)
		if fetched.NumRecords() > 0 {
			s.Check("begin", session.Begin())
			seen += fetched.NumRecords()
			committed, err := session.End(background, kgo.TryCommit)
			s.Check("end", err)
			s.Expect("committed", committed, true)
		}
		return seen == 100
	})
	session.Close()
	offsets, err := kadm.NewClient(client(bootstrap)).FetchOffsets(background, topic+"-group")
	s.Check("offsets", err)
	committed, _ := offsets.Lookup(topic, 0)
	s.Expect("an offset is committed past the first markers", committed.At > 100, true)
}

func newMember(bootstrap, topic string) *kgo.Client {
	return client(bootstrap, kgo.ConsumerGroup(topic+"-group"), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(s.Session), kgo.HeartbeatInterval(500*time.Millisecond), kgo.DisableAutoCommit())
}

func member(_, bootstrap, topic string) {
	one := newMember(bootstrap, topic)
	stopped, stop := signal.NotifyContext(background, syscall.SIGTERM)
	defer stop()
	for stopped.Err() == nil {
		one.PollFetches(stopped)
	}
	one.Close()
}

func group(_, bootstrap, topic string) {
	admin := kadm.NewClient(client(bootstrap))
	_, err := admin.CreateTopic(background, 4, 1, nil, topic)
	s.Check("create", err)
	writer := client(bootstrap)
	produce(writer, topic, s.RecordsOf("plain"))
	writer.Close()
	first := newMember(bootstrap, topic)
	seen := map[[2]int64]bool{}
	poll := func() {
		limited, cancel := context.WithTimeout(background, 200*time.Millisecond)
		defer cancel()
		first.PollFetches(limited).EachRecord(func(one *kgo.Record) { seen[[2]int64{int64(one.Partition), one.Offset}] = true })
	}
	members := func(count int) {
		s.WaitFor("members of the group", func() bool {
			poll()
			groups, err := admin.DescribeGroups(background, topic+"-group")
			if err != nil {
				return false
			}
			group := groups[topic+"-group"]
			assigned := 0
			for _, one := range group.Members {
				if assignment, ok := one.Assigned.AsConsumer(); ok {
					for _, t := range assignment.Topics {
						assigned += len(t.Partitions)
					}
				}
			}
			return group.State == "Stable" && len(group.Members) == count && assigned == 4
		})
	}
	members(1)
	s.BesideOthers(bootstrap, topic, func() { members(2) }, func() { members(1) })
	s.WaitFor("all records", func() bool { poll(); return len(seen) == 500 })
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, 0, 321, -1)
	first.Close()
	committed, err := admin.CommitOffsets(background, topic+"-group", offsets)
	s.Check("commit", err)
	s.Check("commit", committed.Error())
	later := newMember(bootstrap, topic)
	var offset int64 = -1
	s.WaitFor("a record", func() bool {
		limited, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		for _, one := range later.PollFetches(limited).Records() {
			if offset < 0 {
				offset = one.Offset
			}
		}
		return offset >= 0
	})
	s.Expect("first offset after the committed one", offset, 321)
	later.Close()
	deleted, err := admin.DeleteGroups(background, topic+"-group")
	s.Check("delete group", err)
	s.Check("delete group", deleted.Error())
}

func admin(_, bootstrap, topic string) {
	admin := kadm.NewClient(client(bootstrap))
	limit := "5000"
	_, err := admin.CreateTopic(background, 3, 1, map[string]*string{"max.message.bytes": &limit}, topic)
	s.Check("create", err)
	// Another broker than the one that did it may answer, and know it a little later.
	s.WaitFor("three partitions", func() bool {
		listed, err := admin.ListTopics(background, topic)
		s.Check("list", err)
		return len(listed[topic].Partitions) == 3
	})
	configs, err := admin.DescribeTopicConfigs(background, topic)
	s.Check("configs", err)
	found := ""
	for _, one := range configs[0].Configs {
		if one.Key == "max.message.bytes" {
			found = one.MaybeValue()
		}
	}
	s.Expect("setting", found, limit)
	grown, err := admin.CreatePartitions(background, 2, topic)
	s.Check("partitions", err)
	s.Check("partitions", grown.Error())
	_, err = admin.DeleteTopic(background, topic)
	s.Check("delete", err)
	s.WaitFor("the end of the topic", func() bool {
		listed, err := admin.ListTopics(background)
		s.Check("list", err)
		return !listed.Has(topic)
	})
}

func failover(_, bootstrap, topic string) {
	writer := client(bootstrap)
	reader := client(bootstrap, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	read := make(chan string, 1<<20)
	go func() {
		for {
			fetched := reader.PollFetches(background)
			if fetched.IsClientClosed() {
				return
			}
			fetched.EachRecord(func(one *kgo.Record) { read <- string(one.Value) })
		}
	}()
	s.Failover(func(value string) { produce(writer, topic, []s.Record{{Value: []byte(value)}}) }, read)
	reader.Close()
	writer.Close()
}

// spread creates a topic with a partition on three brokers.
func spread(_, bootstrap, topic string) {
	_, err := kadm.NewClient(client(bootstrap)).CreateTopic(background, 1, 3, nil, topic)
	s.Check("create", err)
}

// moveLeader makes another replica of the partition the preferred one, lets it be elected, and waits until it leads.
func moveLeader(_, bootstrap, topic string) {
	admin := kadm.NewClient(client(bootstrap))
	detail := func() kadm.PartitionDetail {
		topics, err := admin.ListTopics(background, topic)
		s.Check("list", err)
		return topics[topic].Partitions[0]
	}
	before := detail()
	next := append(append([]int32{}, before.Replicas[1:]...), before.Replicas[0])
	assignment := kadm.AlterPartitionAssignmentsReq{}
	assignment.Assign(topic, 0, next)
	altered, err := admin.AlterPartitionAssignments(background, assignment)
	s.Check("reassign", err)
	s.Check("reassign", altered.Error())
	s.WaitFor("the new order of replicas", func() bool { return detail().Replicas[0] == next[0] })
	set := kadm.TopicsSet{}
	set.Add(topic, 0)
	s.WaitFor("a new leader", func() bool {
		_, err := admin.ElectLeaders(background, kadm.ElectPreferredReplica, set)
		s.Check("elect", err)
		return detail().Leader == next[0]
	})
}

func main() {
	all := map[string]func(name, bootstrap, topic string){"transactions": transactions, "group": group, "member": member, "admin": admin,
		"failover": failover, "spread": spread, "move_leader": moveLeader}
	for _, name := range s.PassThrough {
		all[name] = passThrough
	}
	s.Main(all)
}
