package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The rows that are not about one message: stamping the batches of a records field, requests from a stream of frames to their
// handlers, batches to records.

// stamp reads the header of each batch with kmsg and writes the batch anew: kmsg changes nothing in place.
func stamp(into, batches []byte, offset int64, epoch int32) ([]byte, int64) {
	for len(batches) != 0 {
		size := 12 + int(binary.BigEndian.Uint32(batches[8:]))
		var batch kmsg.RecordBatch
		must(batch.UnsafeReadFrom(batches[:size]))
		batch.FirstOffset = offset
		batch.PartitionLeaderEpoch = epoch
		into = batch.AppendTo(into)
		offset += int64(batch.LastOffsetDelta) + 1
		batches = batches[size:]
	}
	return into, offset
}

func addPatch(rows *[]*row, name string, body, stamped []byte, next uint64) {
	offset := int64(binary.BigEndian.Uint64(stamped))
	epoch := int32(binary.BigEndian.Uint32(stamped[12:]))
	memory := make([]byte, 0, len(body))
	*rows = append(*rows, &row{name: name, operation: "patch", contender: "franz_go", prove: func() bool {
		made, end := stamp(nil, body, offset, epoch)
		return bytes.Equal(made, stamped) && uint64(end) == next
	}, repeat: func(times int) {
		for ; times != 0; times-- {
			memory, _ = stamp(memory[:0], body, offset, epoch)
		}
	}})
}

// handle reads the header by hand, which kmsg leaves to the program, and the body with the type that kmsg knows for its key.
func handle(frame []byte) uint64 {
	key, version := int16(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	correlation := binary.BigEndian.Uint32(frame[4:])
	client := int(int16(binary.BigEndian.Uint16(frame[8:])))
	at := 10 + max(client, 0)
	if frame[at] != 0 {
		must(fmt.Errorf("a header with tagged fields"))
	}
	request := kmsg.RequestForKey(key)
	request.SetVersion(version)
	must(request.(unsafeReader).UnsafeReadFrom(frame[at+1:]))
	switch request := request.(type) {
	case *kmsg.FetchRequest:
		return uint64(correlation) + uint64(uint32(request.MaxBytes))
	case *kmsg.HeartbeatRequest:
		return uint64(correlation) + uint64(uint32(request.Generation))
	}
	return 0
}

// readFrames reads as a server in Go does: the length, then a slice for the frame.
func readFrames(stream []byte) uint64 {
	in := bytes.NewReader(stream)
	var length [4]byte
	var total uint64
	for {
		if _, err := io.ReadFull(in, length[:]); err == io.EOF {
			return total
		} else if err != nil {
			must(err)
		}
		frame := make([]byte, binary.BigEndian.Uint32(length[:]))
		_, err := io.ReadFull(in, frame)
		must(err)
		total += handle(frame)
	}
}

func sizeAndFirst(b []byte) uint64 {
	if b == nil {
		return ^uint64(0)
	}
	if len(b) == 0 {
		return 0
	}
	return uint64(len(b)) + uint64(b[0])
}

// records reads a batch as the client does. Its records have no sequence, which is that of the batch and the place.
func records(batch []byte, decompressor kgo.Decompressor) uint64 {
	partition := kmsg.FetchResponseTopicPartition{RecordBatches: batch}
	done, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: "t"}, &partition, decompressor, nil)
	must(done.Err)
	sequence := uint64(binary.BigEndian.Uint32(batch[53:]))
	var total uint64
	for i, record := range done.Records {
		total += uint64(record.Offset) + uint64(record.Timestamp.UnixMilli()) + sequence + uint64(i)
		total += sizeAndFirst(record.Key) + sizeAndFirst(record.Value)
		for _, header := range record.Headers {
			total += sizeAndFirst([]byte(header.Key)) + sizeAndFirst(header.Value)
		}
	}
	return total
}

func addWork(rows *[]*row, name, operation string, body []byte, expected uint64, work func([]byte) uint64) {
	*rows = append(*rows, &row{name: name, operation: operation, contender: "franz_go",
		prove: func() bool { return work(body) == expected },
		repeat: func(times int) {
			for ; times != 0; times-- {
				sum += work(body)
			}
		}})
}

// addStream adds the rows of an input that is no message; `stamped` is what stamping makes of it, and `next` the offset after it.
func addStream(rows *[]*row, name, kind string, body []byte, expected uint64, stamped []byte, next uint64) {
	switch kind {
	case "batches":
		addPatch(rows, name, body, stamped, next)
	case "frames":
		addWork(rows, name, "read_frames", body, expected, readFrames)
	case "RecordBatch":
		decompressor := kgo.DefaultDecompressor()
		addWork(rows, name, "records", body, expected, func(b []byte) uint64 { return records(b, decompressor) })
	}
}
