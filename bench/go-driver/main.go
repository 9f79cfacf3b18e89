// The client side as a program in Go, like the sites of Skupper: posts prepared requests, each on a TLS connection of its
// own, and tells its parent how that went. It takes its orders and answers as a child process of Node.js does, in lines of
// JSON on the socket that NODE_CHANNEL_FD names, until that is closed or it is ended.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const giveUp = 30 * time.Second

// order has all requests posted, some clients at a time, to several ports of this machine in turn.
type order struct {
	Ports    []int    `json:"ports"`
	CA       string   `json:"ca"`
	Clients  int      `json:"clients"`
	Requests []string `json:"requests"`
}

// measured is what came of an order: how often each status code or failure, and the times in milliseconds.
type measured struct {
	Outcomes    map[string]int `json:"outcomes"`
	PerSecond   float64        `json:"perSecond"`
	P50Ms       float64        `json:"p50Ms"`
	P99Ms       float64        `json:"p99Ms"`
	LongestMs   float64        `json:"longestMs"`
	DriverCPUMs float64        `json:"driverCpuMs"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("driver: ")
	if err := obey(); err != nil {
		log.Fatal(err)
	}
}

func obey() error {
	descriptor, err := strconv.Atoi(os.Getenv("NODE_CHANNEL_FD"))
	if err != nil {
		return errors.New("the bench starts this program: there is no NODE_CHANNEL_FD")
	}
	parent := os.NewFile(uintptr(descriptor), "parent")
	orders := json.NewDecoder(parent)
	answers := json.NewEncoder(parent)
	for {
		var next order
		if err := orders.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(drive(next)); err != nil {
			return err
		}
	}
}

func drive(o order) measured {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(o.CA))
	// No session is offered, so that each handshake is a full one.
	config := &tls.Config{
		RootCAs:                trusted,
		ServerName:             "127.0.0.1",
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true,
	}
	took := make([]time.Duration, len(o.Requests))
	outcomes := make([]string, len(o.Requests))
	var taken atomic.Int64
	var clients sync.WaitGroup
	before := processorTime()
	start := time.Now()
	for range o.Clients {
		clients.Go(func() {
			for {
				turn := int(taken.Add(1)) - 1
				if turn >= len(o.Requests) {
					return
				}
				began := time.Now()
				outcomes[turn] = exchange(o.Ports[turn%len(o.Ports)], config, o.Requests[turn])
				took[turn] = time.Since(began)
			}
		})
	}
	clients.Wait()
	elapsed := time.Since(start)
	count := float64(len(o.Requests))
	result := measured{
		Outcomes:    map[string]int{},
		PerSecond:   count / elapsed.Seconds(),
		DriverCPUMs: milliseconds(processorTime()-before) / count,
	}
	for _, outcome := range outcomes {
		result.Outcomes[outcome]++
	}
	slices.Sort(took)
	result.P50Ms = milliseconds(percentile(took, 0.5))
	result.P99Ms = milliseconds(percentile(took, 0.99))
	result.LongestMs = milliseconds(took[len(took)-1])
	return result
}

// exchange gives the status code of the answer, or why there was none; it is over when the server has ended its answer.
func exchange(port int, config *tls.Config, request string) string {
	deadline := time.Now().Add(giveUp)
	dialer := net.Dialer{Deadline: deadline}
	plain, err := dialer.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return reason(err)
	}
	connection := tls.Client(plain, config)
	defer connection.Close()
	if err := connection.SetDeadline(deadline); err != nil {
		return reason(err)
	}
	if _, err := io.WriteString(connection, request); err != nil {
		return reason(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		return reason(err)
	}
	// HTTP/1.1 200 OK
	if len(answer) < 12 {
		return "no answer"
	}
	return string(answer[9:12])
}

// reason says what went wrong without the port of that connection, so that alike failures are counted together.
func reason(err error) string {
	var failed *net.OpError
	if errors.As(err, &failed) {
		return fmt.Sprintf("%s: %v", failed.Op, failed.Err)
	}
	return err.Error()
}

// percentile is the value below which that share of the sorted values lie.
func percentile(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*share))]
}

func milliseconds(duration time.Duration) float64 {
	return float64(duration) / float64(time.Millisecond)
}

// processorTime is what this process has taken so far, of user and system together.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
