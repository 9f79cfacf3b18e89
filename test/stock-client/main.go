// Command stock-client redeems an AccessToken as a client of Skupper's own grant server does, and prints the response as
// JSON. It exits 1 if the response is not usable.
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

// headerFlag defines a flag for a header; the header is not sent if the flag is absent, and may be empty.
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
	readerName := flag.String("reader", "kubernetes", "kubernetes (ignores an invalid Link) or strict (fails)")
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

// run posts until a response can be read or the retries are used up; then it returns the last error.
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
