// Command stock-client redeems an AccessToken the way parties do that know nothing of linkgrant, and prints as JSON what
// it could read of the answer. It exits 1 when there is nothing usable.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

type reader func(io.Reader) (*received, error)

var readers = map[string]reader{"kubernetes": readKubernetes, "strict": readStrict}

// headerFlag tells an empty header, which is sent, from none.
func headerFlag(name, usage string) **string {
	var value *string
	flag.Func(name, usage, func(given string) error {
		value = &given
		return nil
	})
	return &value
}

func main() {
	tokenFile := flag.String("token", "", "AccessToken `file`")
	readerName := flag.String("reader", "kubernetes", "kubernetes (silent) or strict (to the end)")
	name := headerFlag("name", "the name header; not sent when absent")
	subject := headerFlag("subject", "the subject header; not sent when absent")
	retry := flag.Int("retry", 0, "how many more times to post after a failure")
	interval := flag.Duration("interval", 30*time.Second, "time between two posts")
	flag.Parse()

	result := &report{}
	err := run(result, *tokenFile, *readerName, *name, *subject, *retry, *interval)
	if err != nil {
		result.Error = err.Error()
		var refused *refusal
		if errors.As(err, &refused) {
			result.Status = refused.status
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if encoder.Encode(result) != nil || err != nil {
		os.Exit(1)
	}
}

// run posts until an answer could be used or the tries are spent; the last failure is the one that it returns.
func run(result *report, tokenFile, readerName string, name, subject *string, retry int, interval time.Duration) error {
	read, known := readers[readerName]
	if !known {
		return fmt.Errorf("no such reader: %q", readerName)
	}
	token, err := readToken(tokenFile)
	if err != nil {
		return err
	}
	client, err := newClient(token.Spec.CA)
	if err != nil {
		return err
	}
	for {
		result.Attempts++
		answer, err := post(client, token, name, subject, read)
		if err == nil {
			return result.fill(answer)
		}
		if result.Attempts > retry {
			return err
		}
		time.Sleep(interval)
	}
}
