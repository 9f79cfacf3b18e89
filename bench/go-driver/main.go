// The clients as a program in Go, like the sites of Skupper. It posts prepared requests, each on a new TLS connection, and sends
// the results to its parent process. It receives jobs and sends results like a child process of Node.js: as lines of JSON on the
// socket with the descriptor in NODE_CHANNEL_FD, until the socket is closed.
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

// job is a list of requests, which the clients post concurrently, to the ports of this machine in turn.
type job struct {
	Ports    []int    `json:"ports"`
	CA       string   `json:"ca"`
	Clients  int      `json:"clients"`
	Requests []string `json:"requests"`
}

// result has the number of requests by status code or failure, and the times in milliseconds.
type result struct {
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
	if err := runJobs(); err != nil {
		log.Fatal(err)
	}
}

func runJobs() error {
	descriptor, err := strconv.Atoi(os.Getenv("NODE_CHANNEL_FD"))
	if err != nil {
		return errors.New("the bench starts this program: there is no NODE_CHANNEL_FD")
	}
	parent := os.NewFile(uintptr(descriptor), "parent")
	jobs := json.NewDecoder(parent)
	results := json.NewEncoder(parent)
	for {
		var next job
		if err := jobs.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := results.Encode(drive(next)); err != nil {
			return err
		}
	}
}

func drive(job job) result {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(job.CA))
	// Without a session, so that each handshake is complete.
	config := &tls.Config{
		RootCAs:                trusted,
		ServerName:             "127.0.0.1",
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519},
		SessionTicketsDisabled: true,
	}
	times := make([]time.Duration, len(job.Requests))
	outcomes := make([]string, len(job.Requests))
	var started atomic.Int64
	var clients sync.WaitGroup
	before := processorTime()
	start := time.Now()
	for range job.Clients {
		clients.Go(func() {
			for {
				turn := int(started.Add(1)) - 1
				if turn >= len(job.Requests) {
					return
				}
				start := time.Now()
				outcomes[turn] = exchange(job.Ports[turn%len(job.Ports)], config, job.Requests[turn])
				times[turn] = time.Since(start)
			}
		})
	}
	clients.Wait()
	elapsed := time.Since(start)
	count := float64(len(job.Requests))
	measured := result{
		Outcomes:    map[string]int{},
		PerSecond:   count / elapsed.Seconds(),
		DriverCPUMs: milliseconds(processorTime()-before) / count,
	}
	for _, outcome := range outcomes {
		measured.Outcomes[outcome]++
	}
	slices.Sort(times)
	measured.P50Ms = milliseconds(percentile(times, 0.5))
	measured.P99Ms = milliseconds(percentile(times, 0.99))
	measured.LongestMs = milliseconds(times[len(times)-1])
	return measured
}

// exchange sends a request on a new connection. It returns the status code of the complete response, or the failure.
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
	response, err := io.ReadAll(connection)
	if err != nil {
		return reason(err)
	}
	// HTTP/1.1 200 OK
	if len(response) < 12 {
		return "no response"
	}
	return string(response[9:12])
}

// reason describes a failure without the port of the connection, so that equal failures are counted together.
func reason(err error) string {
	var failed *net.OpError
	if errors.As(err, &failed) {
		return fmt.Sprintf("%s: %v", failed.Op, failed.Err)
	}
	return err.Error()
}

// percentile returns the value below which the given share of the sorted values lies.
func percentile(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*share))]
}

func milliseconds(duration time.Duration) float64 {
	return float64(duration) / float64(time.Millisecond)
}

// processorTime returns the user and system time of this process.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
