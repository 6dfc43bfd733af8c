package main

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Every field of a message as one sum, as plain_sum of bench/harness/sinks.hpp adds it up.

const null = 0x9e3779b97f4a7c15

func text(s string) uint64 {
	if len(s) == 0 {
		return 0
	}
	return uint64(len(s)) + uint64(s[0])
}

func nullable(s *string) uint64 {
	if s == nil {
		return null
	}
	return text(*s)
}

func raw(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return uint64(len(b)) + uint64(b[0])
}

func nullableRaw(b []byte) uint64 {
	if b == nil {
		return null
	}
	return raw(b)
}

func id(b *[16]byte) uint64 {
	return binary.NativeEndian.Uint64(b[:8]) + binary.NativeEndian.Uint64(b[8:])
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func visit(m any) uint64 {
	var s uint64
	switch m := m.(type) {
	case *kmsg.MetadataResponse:
		s += uint64(m.ThrottleMillis)
		for i := range m.Brokers {
			b := &m.Brokers[i]
			s += uint64(b.NodeID) + text(b.Host) + uint64(b.Port) + nullable(b.Rack)
		}
		s += nullable(m.ClusterID) + uint64(m.ControllerID)
		for i := range m.Topics {
			t := &m.Topics[i]
			s += uint64(t.ErrorCode) + nullable(t.Topic) + id(&t.TopicID) + flag(t.IsInternal)
			for j := range t.Partitions {
				p := &t.Partitions[j]
				s += uint64(p.ErrorCode) + uint64(p.Partition) + uint64(p.Leader) + uint64(p.LeaderEpoch)
				for _, node := range p.Replicas {
					s += uint64(node)
				}
				for _, node := range p.ISR {
					s += uint64(node)
				}
				for _, node := range p.OfflineReplicas {
					s += uint64(node)
				}
			}
			s += uint64(t.AuthorizedOperations)
		}
	case *kmsg.FetchResponse:
		s += uint64(m.ThrottleMillis) + uint64(m.ErrorCode) + uint64(m.SessionID)
		for i := range m.Topics {
			t := &m.Topics[i]
			s += text(t.Topic)
			for j := range t.Partitions {
				p := &t.Partitions[j]
				s += uint64(p.Partition) + uint64(p.ErrorCode) + uint64(p.HighWatermark) + uint64(p.LastStableOffset) +
					uint64(p.LogStartOffset)
				for k := range p.AbortedTransactions {
					a := &p.AbortedTransactions[k]
					s += uint64(a.ProducerID) + uint64(a.FirstOffset)
				}
				s += uint64(p.PreferredReadReplica) + nullableRaw(p.RecordBatches)
				s += uint64(p.DivergingEpoch.Epoch) + uint64(p.DivergingEpoch.EndOffset) +
					uint64(p.CurrentLeader.LeaderID) + uint64(p.CurrentLeader.LeaderEpoch) +
					uint64(p.SnapshotID.EndOffset) + uint64(p.SnapshotID.Epoch)
			}
		}
	case *kmsg.FetchRequest:
		s += uint64(m.ReplicaID) + uint64(m.MaxWaitMillis) + uint64(m.MinBytes) + uint64(m.MaxBytes) +
			uint64(m.IsolationLevel) + uint64(m.SessionID) + uint64(m.SessionEpoch)
		for i := range m.Topics {
			t := &m.Topics[i]
			s += text(t.Topic)
			for j := range t.Partitions {
				p := &t.Partitions[j]
				s += uint64(p.Partition) + uint64(p.CurrentLeaderEpoch) + uint64(p.FetchOffset) +
					uint64(p.LastFetchedEpoch) + uint64(p.LogStartOffset) + uint64(p.PartitionMaxBytes)
			}
		}
		for i := range m.ForgottenTopics {
			t := &m.ForgottenTopics[i]
			s += text(t.Topic)
			for _, p := range t.Partitions {
				s += uint64(p)
			}
		}
		s += text(m.Rack) + nullable(m.ClusterID)
	case *kmsg.ProduceRequest:
		s += nullable(m.TransactionID) + uint64(m.Acks) + uint64(m.TimeoutMillis)
		for i := range m.Topics {
			t := &m.Topics[i]
			s += text(t.Topic)
			for j := range t.Partitions {
				p := &t.Partitions[j]
				s += uint64(p.Partition) + nullableRaw(p.Records)
			}
		}
	case *kmsg.ApiVersionsResponse:
		s += uint64(m.ErrorCode)
		for i := range m.ApiKeys {
			a := &m.ApiKeys[i]
			s += uint64(a.ApiKey) + uint64(a.MinVersion) + uint64(a.MaxVersion)
		}
		s += uint64(m.ThrottleMillis)
		for i := range m.SupportedFeatures {
			f := &m.SupportedFeatures[i]
			s += text(f.Name) + uint64(f.MinVersion) + uint64(f.MaxVersion)
		}
		s += uint64(m.FinalizedFeaturesEpoch)
		for i := range m.FinalizedFeatures {
			f := &m.FinalizedFeatures[i]
			s += text(f.Name) + uint64(f.MaxVersionLevel) + uint64(f.MinVersionLevel)
		}
		s += flag(m.ZkMigrationReady)
	case *kmsg.OffsetCommitRequest:
		s += text(m.Group) + uint64(m.Generation) + text(m.MemberID) + nullable(m.InstanceID)
		for i := range m.Topics {
			t := &m.Topics[i]
			s += text(t.Topic)
			for j := range t.Partitions {
				p := &t.Partitions[j]
				s += uint64(p.Partition) + uint64(p.Offset) + uint64(p.LeaderEpoch) + nullable(p.Metadata)
			}
		}
	case *kmsg.JoinGroupRequest:
		s += text(m.Group) + uint64(m.SessionTimeoutMillis) + uint64(m.RebalanceTimeoutMillis) + text(m.MemberID) +
			nullable(m.InstanceID) + text(m.ProtocolType)
		for i := range m.Protocols {
			p := &m.Protocols[i]
			s += text(p.Name) + raw(p.Metadata)
		}
		s += nullable(m.Reason)
	}
	return s
}
