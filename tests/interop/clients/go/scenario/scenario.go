// Package scenario has what the drivers in Go share. See ../../scenario.py, whose records these are.
package scenario

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const (
	Patience = 60 * time.Second
	Session  = 6 * time.Second
	skipped  = 77
)

type Header struct {
	Key   string
	Value []byte
}

type Record struct {
	Key, Value []byte
	Headers    []Header
}

func valueOf(number, size int) []byte {
	text := []byte(fmt.Sprintf("record %d of the scenario;", number))
	return bytes.Repeat(text, size/len(text)+1)[:size]
}

// RecordsOf returns the records of a scenario.
func RecordsOf(name string) []Record {
	var out []Record
	key := func(i int) []byte { return []byte(fmt.Sprintf("k%d", i)) }
	switch name {
	case "large":
		for i := 0; i < 10; i++ {
			out = append(out, Record{Key: key(i), Value: valueOf(i, 900_000)})
		}
	case "headers":
		for i := 0; i < 100; i++ {
			out = append(out, Record{key(i), valueOf(i, 50), []Header{{"trace", []byte(fmt.Sprint(i))}, {"empty", []byte{}}, {"trace", []byte("again")}}})
		}
	case "nulls":
		kinds := []Record{{Value: []byte("value")}, {Key: []byte("key")}, {Key: []byte{}, Value: []byte{}}, {Key: []byte("key"), Value: []byte{}}}
		for i := 0; i < 100; i++ {
			out = append(out, kinds[i%4])
		}
	default:
		for i := 0; i < 500; i++ {
			out = append(out, Record{Key: key(i), Value: valueOf(i, i*37%2000+1)})
		}
	}
	return out
}

// Check exits with a failed scenario if err is an error.
func Check(what string, err error) {
	if err != nil {
		Fail("%s: %v", what, err)
	}
}

// Fail exits with a failed scenario.
func Fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

// Skip exits: the client has no such thing.
func Skip() { os.Exit(skipped) }

// Expect fails unless the two are equal.
func Expect[T comparable](what string, seen, wanted T) {
	if seen != wanted {
		Fail("%s: %v, expected %v", what, seen, wanted)
	}
}

func same(one, other []byte) bool { return bytes.Equal(one, other) && (one == nil) == (other == nil) }

// ExpectRecords fails unless the records are equal; null and empty differ.
func ExpectRecords(seen, wanted []Record) {
	Expect("count of records", len(seen), len(wanted))
	for i, one := range seen {
		other := wanted[i]
		equal := same(one.Key, other.Key) && same(one.Value, other.Value) && len(one.Headers) == len(other.Headers)
		for j := 0; equal && j < len(one.Headers); j++ {
			equal = one.Headers[j].Key == other.Headers[j].Key && bytes.Equal(one.Headers[j].Value, other.Headers[j].Value)
		}
		if !equal {
			Fail("record %d differs: key %q, %d bytes of value, expected key %q, %d bytes", i, one.Key, len(one.Value), other.Key, len(other.Value))
		}
	}
}

// WaitFor fails if it does not happen in time.
func WaitFor(what string, happens func() bool) {
	for end := time.Now().Add(Patience); !happens(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			Fail("%s did not happen within %v", what, Patience)
		}
	}
}

// BesideOthers lets a second member join, in a process of its own, and be killed; then another one, which leaves. The functions
// wait until there are two members, or one, that share the partitions.
func BesideOthers(bootstrap, topic string, two, alone func()) {
	for _, ending := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		other := exec.Command(os.Args[0], "member", bootstrap, topic)
		Check("start", other.Start())
		two()
		Check("signal", other.Process.Signal(ending))
		_ = other.Wait()
		alone()
	}
}

// Failover writes numbered values one by one, each acknowledged, until the file ENOUGH exists: meanwhile leaders change and brokers
// stop. The channel has the values that were read.
func Failover(send func(value string), read <-chan string) {
	enough := func() bool { _, err := os.Stat(os.Getenv("ENOUGH")); return err == nil }
	sent := 0
	for ; sent < 50 || !enough(); sent++ {
		send(fmt.Sprint(sent))
		time.Sleep(20 * time.Millisecond)
	}
	patience := time.After(Patience)
	for i := 0; i < sent; i++ {
		select {
		case value := <-read:
			Expect("value", value, fmt.Sprint(i))
		case <-patience:
			Fail("%d of %d records came", i, sent)
		}
	}
}

// Text returns count records whose values begin with name.
func Text(name string, count int) []Record {
	var out []Record
	for i := 0; i < count; i++ {
		out = append(out, Record{Key: []byte("k"), Value: []byte(fmt.Sprintf("%s %d", name, i))})
	}
	return out
}

// Main runs the scenario of the command line.
func Main(scenarios map[string]func(name, bootstrap, topic string)) {
	if len(os.Args) != 4 {
		Fail("usage: %s SCENARIO BOOTSTRAP TOPIC", os.Args[0])
	}
	run, found := scenarios[os.Args[1]]
	if !found {
		Skip()
	}
	run(os.Args[1], os.Args[2], os.Args[3])
}

// PassThrough lists the scenarios that only produce and consume.
var PassThrough = []string{"plain", "acks0", "gzip", "snappy", "lz4", "zstd", "headers", "nulls", "large", "idempotent"}
