// Reads bodies with franz-go's kmsg and writes them again. An input line is "request 3 12 <hex>"; the output line is the hex of
// what kmsg writes, "unknown" for a key or version that it does not have, or "refused" with the reason.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type message interface {
	SetVersion(int16)
	MaxVersion() int16
	ReadFrom([]byte) error
	AppendTo([]byte) []byte
}

func find(kind string, key int16) message {
	if kind == "request" {
		if found := kmsg.RequestForKey(key); found != nil {
			return found
		}
	} else if found := kmsg.ResponseForKey(key); found != nil {
		return found
	}
	return nil
}

func answer(line string) string {
	var kind, text string
	var key, version int16
	if n, _ := fmt.Sscan(line, &kind, &key, &version, &text); n < 3 {
		return "refused: invalid line"
	}
	body, err := hex.DecodeString(text)
	if err != nil {
		return "refused: " + err.Error()
	}
	found := find(kind, key)
	if found == nil || version > found.MaxVersion() {
		return "unknown"
	}
	found.SetVersion(version)
	if err := found.ReadFrom(body); err != nil {
		return "refused: " + err.Error()
	}
	return hex.EncodeToString(found.AppendTo(nil))
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		fmt.Fprintln(out, answer(in.Text()))
	}
}
