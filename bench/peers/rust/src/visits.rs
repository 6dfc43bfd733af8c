//! Every field of the messages as one sum, as plain_sum of bench/harness/sinks.hpp adds it up.

pub struct Sum(pub u64);

const NULL: u64 = 0x9e3779b97f4a7c15;

impl Sum {
    #[inline(always)]
    pub fn number(&mut self, value: i64) {
        self.0 = self.0.wrapping_add(value as u64);
    }
    #[inline(always)]
    pub fn bytes(&mut self, value: &[u8]) {
        self.0 = self.0.wrapping_add(value.len() as u64);
        if let Some(first) = value.first() {
            self.0 = self.0.wrapping_add(*first as u64);
        }
    }
    #[inline(always)]
    pub fn nullable(&mut self, value: Option<&[u8]>) {
        match value {
            Some(bytes) => self.bytes(bytes),
            None => self.0 = self.0.wrapping_add(NULL),
        }
    }
    #[inline(always)]
    pub fn id(&mut self, value: &[u8; 16]) {
        for half in value.chunks_exact(8) {
            self.0 = self.0.wrapping_add(u64::from_ne_bytes(half.try_into().expect("eight bytes")));
        }
    }
}

/// What the libraries call text: `StrBytes` and its wrappers, `String`, `&str`.
pub trait Text {
    fn raw(&self) -> &[u8];
}
impl Text for String {
    fn raw(&self) -> &[u8] {
        self.as_bytes()
    }
}
impl Text for &str {
    fn raw(&self) -> &[u8] {
        str::as_bytes(self)
    }
}
impl Text for kafka_protocol::protocol::StrBytes {
    fn raw(&self) -> &[u8] {
        self.as_bytes()
    }
}
impl Text for kafka_protocol::messages::TopicName {
    fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
impl Text for kafka_protocol::messages::GroupId {
    fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
impl Text for kafka_protocol::messages::TransactionalId {
    fn raw(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

pub trait Number: Copy {
    fn wide(self) -> i64;
}
macro_rules! number { ($($t:ty)*) => { $(impl Number for $t { #[inline(always)] fn wide(self) -> i64 { self as i64 } })* } }
number!(i8 i16 i32 i64 bool);
impl Number for kafka_protocol::messages::BrokerId {
    #[inline(always)]
    fn wide(self) -> i64 {
        self.0 as i64
    }
}
impl Number for kafka_protocol::messages::ProducerId {
    #[inline(always)]
    fn wide(self) -> i64 {
        self.0
    }
}

pub trait Id {
    fn sixteen(&self) -> &[u8; 16];
}
impl Id for uuid::Uuid {
    fn sixteen(&self) -> &[u8; 16] {
        self.as_bytes()
    }
}
impl Id for krabka_protocol::primitives::uuid::Uuid {
    fn sixteen(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Records: krabka has decoded them and says their size; the first byte of these batches is 0.
pub trait Records {
    fn add(&self, sum: &mut Sum);
}
impl Records for bytes::Bytes {
    #[inline(always)]
    fn add(&self, sum: &mut Sum) {
        sum.bytes(self)
    }
}
impl Records for krabka_protocol::records::RecordsPayload {
    fn add(&self, sum: &mut Sum) {
        sum.number(self.payload_len() as i64)
    }
}
impl Records for krabka_protocol::records::RecordsPayloadBorrowed<'_> {
    fn add(&self, sum: &mut Sum) {
        sum.number(self.payload_len() as i64)
    }
}

pub trait Visit {
    fn visit(&self, sum: &mut Sum);
}

macro_rules! visits {
    ($metadata:ty, $fetch_response:ty, $fetch_request:ty, $produce:ty, $api_versions:ty, $offset_commit:ty, $join_group:ty) => {
        impl Visit for $metadata {
            fn visit(&self, sum: &mut Sum) {
                sum.number(self.throttle_time_ms.wide());
                for broker in &self.brokers {
                    sum.number(broker.node_id.wide());
                    sum.bytes(broker.host.raw());
                    sum.number(broker.port.wide());
                    sum.nullable(broker.rack.as_ref().map(Text::raw));
                }
                sum.nullable(self.cluster_id.as_ref().map(Text::raw));
                sum.number(self.controller_id.wide());
                for topic in &self.topics {
                    sum.number(topic.error_code.wide());
                    sum.nullable(topic.name.as_ref().map(Text::raw));
                    sum.id(topic.topic_id.sixteen());
                    sum.number(topic.is_internal.wide());
                    for partition in &topic.partitions {
                        sum.number(partition.error_code.wide());
                        sum.number(partition.partition_index.wide());
                        sum.number(partition.leader_id.wide());
                        sum.number(partition.leader_epoch.wide());
                        for node in &partition.replica_nodes {
                            sum.number(node.wide());
                        }
                        for node in &partition.isr_nodes {
                            sum.number(node.wide());
                        }
                        for node in &partition.offline_replicas {
                            sum.number(node.wide());
                        }
                    }
                    sum.number(topic.topic_authorized_operations.wide());
                }
            }
        }
        impl Visit for $fetch_response {
            fn visit(&self, sum: &mut Sum) {
                sum.number(self.throttle_time_ms.wide());
                sum.number(self.error_code.wide());
                sum.number(self.session_id.wide());
                for topic in &self.responses {
                    sum.bytes(topic.topic.raw());
                    for partition in &topic.partitions {
                        sum.number(partition.partition_index.wide());
                        sum.number(partition.error_code.wide());
                        sum.number(partition.high_watermark.wide());
                        sum.number(partition.last_stable_offset.wide());
                        sum.number(partition.log_start_offset.wide());
                        for aborted in partition.aborted_transactions.iter().flatten() {
                            sum.number(aborted.producer_id.wide());
                            sum.number(aborted.first_offset.wide());
                        }
                        sum.number(partition.preferred_read_replica.wide());
                        match &partition.records {
                            Some(records) => records.add(sum),
                            None => sum.nullable(None),
                        }
                        sum.number(partition.diverging_epoch.epoch.wide());
                        sum.number(partition.diverging_epoch.end_offset.wide());
                        sum.number(partition.current_leader.leader_id.wide());
                        sum.number(partition.current_leader.leader_epoch.wide());
                        sum.number(partition.snapshot_id.end_offset.wide());
                        sum.number(partition.snapshot_id.epoch.wide());
                    }
                }
            }
        }
        impl Visit for $fetch_request {
            fn visit(&self, sum: &mut Sum) {
                sum.number(self.replica_id.wide());
                sum.number(self.max_wait_ms.wide());
                sum.number(self.min_bytes.wide());
                sum.number(self.max_bytes.wide());
                sum.number(self.isolation_level.wide());
                sum.number(self.session_id.wide());
                sum.number(self.session_epoch.wide());
                for topic in &self.topics {
                    sum.bytes(topic.topic.raw());
                    for partition in &topic.partitions {
                        sum.number(partition.partition.wide());
                        sum.number(partition.current_leader_epoch.wide());
                        sum.number(partition.fetch_offset.wide());
                        sum.number(partition.last_fetched_epoch.wide());
                        sum.number(partition.log_start_offset.wide());
                        sum.number(partition.partition_max_bytes.wide());
                    }
                }
                for topic in &self.forgotten_topics_data {
                    sum.bytes(topic.topic.raw());
                    for partition in &topic.partitions {
                        sum.number(partition.wide());
                    }
                }
                sum.bytes(self.rack_id.raw());
                sum.nullable(self.cluster_id.as_ref().map(Text::raw));
            }
        }
        impl Visit for $produce {
            fn visit(&self, sum: &mut Sum) {
                sum.nullable(self.transactional_id.as_ref().map(Text::raw));
                sum.number(self.acks.wide());
                sum.number(self.timeout_ms.wide());
                for topic in &self.topic_data {
                    sum.bytes(topic.name.raw());
                    for partition in &topic.partition_data {
                        sum.number(partition.index.wide());
                        match &partition.records {
                            Some(records) => records.add(sum),
                            None => sum.nullable(None),
                        }
                    }
                }
            }
        }
        impl Visit for $api_versions {
            fn visit(&self, sum: &mut Sum) {
                sum.number(self.error_code.wide());
                for api in &self.api_keys {
                    sum.number(api.api_key.wide());
                    sum.number(api.min_version.wide());
                    sum.number(api.max_version.wide());
                }
                sum.number(self.throttle_time_ms.wide());
                for feature in &self.supported_features {
                    sum.bytes(feature.name.raw());
                    sum.number(feature.min_version.wide());
                    sum.number(feature.max_version.wide());
                }
                sum.number(self.finalized_features_epoch.wide());
                for feature in &self.finalized_features {
                    sum.bytes(feature.name.raw());
                    sum.number(feature.max_version_level.wide());
                    sum.number(feature.min_version_level.wide());
                }
                sum.number(self.zk_migration_ready.wide());
            }
        }
        impl Visit for $offset_commit {
            fn visit(&self, sum: &mut Sum) {
                sum.bytes(self.group_id.raw());
                sum.number(self.generation_id_or_member_epoch.wide());
                sum.bytes(self.member_id.raw());
                sum.nullable(self.group_instance_id.as_ref().map(Text::raw));
                for topic in &self.topics {
                    sum.bytes(topic.name.raw());
                    for partition in &topic.partitions {
                        sum.number(partition.partition_index.wide());
                        sum.number(partition.committed_offset.wide());
                        sum.number(partition.committed_leader_epoch.wide());
                        sum.nullable(partition.committed_metadata.as_ref().map(Text::raw));
                    }
                }
            }
        }
        impl Visit for $join_group {
            fn visit(&self, sum: &mut Sum) {
                sum.bytes(self.group_id.raw());
                sum.number(self.session_timeout_ms.wide());
                sum.number(self.rebalance_timeout_ms.wide());
                sum.bytes(self.member_id.raw());
                sum.nullable(self.group_instance_id.as_ref().map(Text::raw));
                sum.bytes(self.protocol_type.raw());
                for protocol in &self.protocols {
                    sum.bytes(protocol.name.raw());
                    sum.bytes(&protocol.metadata);
                }
                sum.nullable(self.reason.as_ref().map(Text::raw));
            }
        }
    };
}

visits!(
    kafka_protocol::messages::MetadataResponse,
    kafka_protocol::messages::FetchResponse,
    kafka_protocol::messages::FetchRequest,
    kafka_protocol::messages::ProduceRequest,
    kafka_protocol::messages::ApiVersionsResponse,
    kafka_protocol::messages::OffsetCommitRequest,
    kafka_protocol::messages::JoinGroupRequest
);
visits!(
    krabka_protocol::owned::metadata_response::MetadataResponse,
    krabka_protocol::owned::fetch_response::FetchResponse,
    krabka_protocol::owned::fetch_request::FetchRequest,
    krabka_protocol::owned::produce_request::ProduceRequest,
    krabka_protocol::owned::api_versions_response::ApiVersionsResponse,
    krabka_protocol::owned::offset_commit_request::OffsetCommitRequest,
    krabka_protocol::owned::join_group_request::JoinGroupRequest
);
visits!(
    krabka_protocol::borrowed::metadata_response::MetadataResponse<'_>,
    krabka_protocol::borrowed::fetch_response::FetchResponse<'_>,
    krabka_protocol::borrowed::fetch_request::FetchRequest<'_>,
    krabka_protocol::borrowed::produce_request::ProduceRequest<'_>,
    krabka_protocol::borrowed::api_versions_response::ApiVersionsResponse,
    krabka_protocol::borrowed::offset_commit_request::OffsetCommitRequest<'_>,
    krabka_protocol::borrowed::join_group_request::JoinGroupRequest<'_>
);
