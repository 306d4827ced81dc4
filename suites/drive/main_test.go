//go:build unix

package drive

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"brownout/chaosserver/journal"
)

// The test binary is also the client under test: with CLIENT set it does what its arguments say.
func TestMain(m *testing.M) {
	if os.Getenv("CLIENT") != "" {
		os.Exit(client(os.Args[1:]))
	}
	os.Setenv("CLIENT", "1")
	os.Setenv("GORACE", "atexit_sleep_ms=0") // which a client under the race detector would spend asleep
	os.Exit(m.Run())
}

func client(args []string) int {
	switch args[0] {
	case "exit":
		code, _ := strconv.Atoi(args[1])
		return code
	case "die":
		n, _ := strconv.Atoi(args[1])
		_ = syscall.Kill(os.Getpid(), syscall.Signal(n))
		forever()
	case "print":
		fmt.Println(strings.Join(args[1:], "\n"))
		for _, name := range []string{"BROWNOUT_URL", "BROWNOUT_URLS", "CURL_CA_BUNDLE", "BROWNOUT_CA", "BROWNOUT_SCENARIO", "BROWNOUT_SEED", "STRIPE_API_BASE", "NO_PROXY"} {
			fmt.Printf("%s=%s\n", name, os.Getenv(name))
		}
		fmt.Fprintln(os.Stderr, "to stderr")
	case "wait": // until TERM, and then with that exit code
		terms := make(chan os.Signal, 1)
		signal.Notify(terms, syscall.SIGTERM)
		ready()
		<-terms
		code, _ := strconv.Atoi(args[1])
		return code
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		ready()
		forever()
	case "stopped":
		ready()
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		forever()
	case "parent": // of a stubborn grandchild, which outlives it when the second argument is exit
		cmd := exec.Command(os.Args[0], "child-of-parent")
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			return 99
		}
		_, _ = out.Read(make([]byte, 1))
		fmt.Printf("grandchild %d\n", cmd.Process.Pid)
		if args[1] == "exit" {
			return 0
		}
		ready()
		forever()
	case "child-of-parent":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("up")
		forever()
	case "barrier": // waits until so many have come
		dir, want := args[1], args[2]
		if err := os.WriteFile(filepath.Join(dir, args[3]), nil, 0o600); err != nil {
			return 98
		}
		for tick := time.NewTicker(2 * time.Millisecond); ; <-tick.C {
			if entries, _ := os.ReadDir(dir); strconv.Itoa(len(entries)) >= want {
				return 0
			}
		}
	case "body":
		b, err := os.ReadFile(args[1])
		if err != nil {
			return 97
		}
		fmt.Printf("%s %s\n", strings.Join(args[2:], " "), b)
	}
	return 0
}

func ready()   { fmt.Println("ready") }
func forever() { <-time.After(time.Hour) }

// record is a Recorder for tests.
type record struct {
	start time.Time

	mu      sync.Mutex // guards what follows
	clients []journal.Client
	results []journal.Result
}

func newRecord() *record { return &record{start: time.Now()} }

func (r *record) Now() time.Duration { return time.Since(r.start) }

func (r *record) Client(c journal.Client) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients = append(r.clients, c)
	return nil
}

func (r *record) Result(res journal.Result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, res)
	return nil
}

// only returns the one client of the record.
func (r *record) only(t *testing.T) journal.Client {
	t.Helper()
	if len(r.clients) != 1 {
		t.Fatalf("%d clients are recorded, want 1", len(r.clients))
	}
	return r.clients[0]
}

// watch is an output that does something once a text is in it.
type watch struct {
	text string
	do   func()

	mu   sync.Mutex // guards what follows
	buf  bytes.Buffer
	done bool
}

func (w *watch) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.buf.Write(b)
	hit := !w.done && w.text != "" && strings.Contains(w.buf.String(), w.text)
	w.done = w.done || hit
	w.mu.Unlock()
	if hit {
		w.do()
	}
	return len(b), nil
}

func (w *watch) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// self is the command line of a client.
func self(args ...string) []string { return append([]string{os.Args[0]}, args...) }

var site = Site{
	URL:      "http://127.0.0.1:7070",
	CallURL:  func(_ string, k int) string { return fmt.Sprintf("http://127.0.0.1:7070/~%d", k) },
	Scenario: "two 503s", Seed: 42,
}
