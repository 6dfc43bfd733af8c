// The Go peer: franz-go's kmsg. Speaks the protocol of bench/peers.py: `list`, and `run CASE OP CONTENDER MS` lines.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type row struct {
	name, operation, contender string
	prove                      func() bool
	repeat                     func(times int)
	times                      int
}

// Where results go, so that the compiler cannot omit the work.
var sink any
var sum uint64
var size int

type message interface {
	ReadFrom([]byte) error
	SetVersion(int16)
	AppendTo([]byte) []byte
}

// unsafeReader is the form that refers to the input: strings and bytes are not copied.
type unsafeReader interface {
	UnsafeReadFrom([]byte) error
}

func fresh(kind string) message {
	switch kind {
	case "MetadataResponse":
		return kmsg.NewPtrMetadataResponse()
	case "FetchResponse":
		return kmsg.NewPtrFetchResponse()
	case "FetchRequest":
		return kmsg.NewPtrFetchRequest()
	case "ProduceRequest":
		return kmsg.NewPtrProduceRequest()
	case "ApiVersionsResponse":
		return kmsg.NewPtrApiVersionsResponse()
	case "OffsetCommitRequest":
		return kmsg.NewPtrOffsetCommitRequest()
	case "JoinGroupRequest":
		return kmsg.NewPtrJoinGroupRequest()
	}
	return nil
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func decode(kind string, version int16, body []byte, unsafely bool) message {
	into := fresh(kind)
	into.SetVersion(version)
	if unsafely {
		must(into.(unsafeReader).UnsafeReadFrom(body))
	} else {
		must(into.ReadFrom(body))
	}
	return into
}

func addMessage(rows *[]*row, name, kind string, version int16, body []byte, expected uint64, older []byte) {
	forms := []string{"franz_go"}
	if _, ok := fresh(kind).(unsafeReader); ok {
		forms = append(forms, "franz_go_unsafe")
	}
	for i, contender := range forms {
		unsafely := i == 1
		same := func() bool {
			return bytes.Equal(decode(kind, version, body, unsafely).AppendTo(nil), body)
		}
		*rows = append(*rows, &row{name: name, operation: "decode", contender: contender, prove: same, repeat: func(times int) {
			for ; times != 0; times-- {
				sink = decode(kind, version, body, unsafely)
			}
		}}, &row{name: name, operation: "visit", contender: contender, prove: func() bool {
			return visit(decode(kind, version, body, unsafely)) == expected
		}, repeat: func(times int) {
			for ; times != 0; times-- {
				sum += visit(decode(kind, version, body, unsafely))
			}
		}})
	}
	same := func() bool {
		return bytes.Equal(decode(kind, version, body, false).AppendTo(nil), body)
	}
	known := decode(kind, version, body, false)
	memory := make([]byte, 0, len(body)+64)
	*rows = append(*rows, &row{name: name, operation: "encode", contender: "franz_go", prove: same, repeat: func(times int) {
		for ; times != 0; times-- {
			memory = known.AppendTo(memory[:0])
		}
	}})
	*rows = append(*rows, &row{name: name, operation: "encode_chain", contender: "franz_go", prove: same, repeat: func(times int) {
		for ; times != 0; times-- {
			sink = known.AppendTo(make([]byte, 0, len(body))) // kmsg has no size: it is given
		}
	}})
	if older == nil {
		return
	}
	transcode := func(into []byte) []byte {
		read := decode(kind, version, body, false)
		read.SetVersion(4)
		return read.AppendTo(into)
	}
	*rows = append(*rows, &row{name: name, operation: "transcode", contender: "franz_go",
		prove: func() bool { return bytes.Equal(transcode(nil), older) },
		repeat: func(times int) {
			for ; times != 0; times-- {
				memory = transcode(memory[:0])
			}
		}})
}

func (r *row) elapsed(times int) float64 {
	start := time.Now()
	r.repeat(times)
	return float64(time.Since(start).Nanoseconds())
}

// measure returns the nanoseconds of one piece of work: the fastest sample within so many milliseconds.
func (r *row) measure(milliseconds float64) float64 {
	if r.times == 0 {
		if !r.prove() {
			must(fmt.Errorf("%s %s: %s answers something else than is expected", r.name, r.operation, r.contender))
		}
		for times := 1; ; times *= 4 { // how often the work fits half a millisecond
			if took := r.elapsed(times); took > 100e3 {
				r.times = max(1, int(float64(times)*500e3/took))
				break
			}
		}
	}
	best := 1e300
	end := time.Now().Add(time.Duration(milliseconds * 1e6))
	for {
		best = min(best, r.elapsed(r.times)/float64(r.times))
		if !time.Now().Before(end) {
			return best
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		must(fmt.Errorf("usage: bench CORPUS_DIR"))
	}
	index, err := os.ReadFile(filepath.Join(os.Args[1], "corpus.txt"))
	must(err)
	var rows []*row
	lines := strings.Split(strings.TrimSpace(string(index)), "\n")
	sums := map[string]uint64{}
	for _, line := range lines {
		words := strings.Fields(line)
		sums[words[0]], err = strconv.ParseUint(words[4], 10, 64)
		must(err)
	}
	for _, line := range lines {
		words := strings.Fields(line)
		name, kind := words[0], words[1]
		version, err := strconv.Atoi(words[2])
		must(err)
		expected := sums[name]
		if strings.HasPrefix(name, "small_") || strings.HasSuffix(name, "_v4") {
			continue
		}
		body, err := os.ReadFile(filepath.Join(os.Args[1], name+".bin"))
		must(err)
		if fresh(kind) == nil {
			stamped, _ := os.ReadFile(filepath.Join(os.Args[1], name+"_stamped.bin"))
			addStream(&rows, name, kind, body, expected, stamped, sums[name+"_stamped"])
			continue
		}
		older, err := os.ReadFile(filepath.Join(os.Args[1], name+"_v4.bin"))
		if err != nil {
			older = nil
		}
		addMessage(&rows, name, kind, int16(version), body, expected, older)
	}
	out := bufio.NewWriter(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); out.Flush() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 1 && words[0] == "list":
			for _, r := range rows {
				fmt.Fprintln(out, r.name, r.operation, r.contender)
			}
			fmt.Fprintln(out, ".")
		case len(words) == 5 && words[0] == "run":
			milliseconds, err := strconv.ParseFloat(words[4], 64)
			must(err)
			for _, r := range rows {
				if r.name == words[1] && r.operation == words[2] && r.contender == words[3] {
					fmt.Fprintf(out, "%s %s %s 1 %.3f\n", r.name, r.operation, r.contender, r.measure(milliseconds))
				}
			}
		}
	}
}
