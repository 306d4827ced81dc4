package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/mux"
	"github.com/mccutchen/go-httpbin/v2/httpbin"

	"brownout/chaosserver"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// serverEnv makes this program a server; its value is the kind.
const serverEnv = "BROWNOUT_BENCH_SERVER"

// answer is the body of every answer: 35 bytes of JSON.
const answer = `{"id":"item_0001","state":"active"}`

// kinds are the servers. Each answers on the address that it returns.
var kinds = map[string]func() (string, error){
	"bare":      func() (string, error) { return listen(http.HandlerFunc(fixed)) },
	"mux20":     func() (string, error) { return listen(muxRoutes(20)) },
	"httpbin":   func() (string, error) { return listen(httpbin.New()) },
	"sleep":     func() (string, error) { return listen(http.HandlerFunc(sleeping)) },
	"ours20":    ours(literal(20, chance)),
	"ours200":   ours(literal(200, chance)),
	"plain20":   ours(literal(20, "")),
	"vars20":    ours(variables(20, chance)),
	"vars200":   ours(variables(200, chance)),
	"limits20":  ours(literal(20, "limits: [{name: all, rate: 10000000/s, burst: 10000000, by: client, dialect: github}]\n")),
	"commit20":  ours(strings.ReplaceAll(literal(20, ""), "answers:", "commit: {}, answers:")),
	"file20":    oursInFile(literal(20, chance)),
	"impatient": ours("", chaosserver.WithReadTimeout(5*time.Second)),
	"failing":   ours("faults: [{status: 503}]\n"),
	"clients":   ours("identity: {client: header X-Client}\nroutes: [{match: /*, per: client}]\n"),
	"events":    ours("routes: [{match: '/effects/:event', per: event}]\n"),
	"limited":   ours("limits: [{rate: 1/1h, by: header X-Key}]\n"),
	"charges":   ours("routes: [{match: POST /charges, commit: {key: Idempotency-Key}, answers: [{status: 201, json: " + answer + "}]}]\n"),
	"delay50":   ours("routes: [{match: GET /, answers: [{delay: 50ms}]}]\n"),
	"delay2s":   ours("routes: [{match: GET /, answers: [{delay: 2s}]}]\n"),
	"delayvar":  ours("routes: [{match: GET /*, answers: [{delay: 2s}]}]\n"),
}

const chance = `faults:
  - {name: flaky, chance: 10%, status: 503, json: {id: item_0001, state: failed}}
  - {name: slow, chance: 1%, delay: 1us}
`

func literal(n int, faults string) string   { return scenario(n, "/api/v1/res%d/items", faults) }
func variables(n int, faults string) string { return scenario(n, "/api/v1/res%d/:id", faults) }

func scenario(n int, path, faults string) string {
	var b strings.Builder
	b.WriteString("routes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {match: \"GET "+path+"\", answers: [{json: %s}]}\n", i, answer)
	}
	b.WriteString(faults)
	return b.String()
}

func ours(text string, opts ...chaosserver.Option) func() (string, error) {
	return func() (string, error) { return serve(text, opts...) }
}

func oursInFile(text string) func() (string, error) {
	return func() (string, error) {
		dir, err := os.MkdirTemp("", "brownout-bench-")
		if err != nil {
			return "", err
		}
		return serve(text, chaosserver.WithJournal(journal.Options{File: dir + "/journal"}))
	}
}

func serve(text string, opts ...chaosserver.Option) (string, error) {
	s, err := scenarios.Parse("bench.yaml", []byte("name: bench\n"+text))
	if err != nil {
		return "", err
	}
	srv, err := chaosserver.New(s, opts...)
	if err != nil {
		return "", err
	}
	if err := srv.Start(); err != nil {
		return "", err
	}
	return srv.URL(), nil
}

func listen(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(l, h) }()
	return "http://" + l.Addr().String(), nil
}

func fixed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(answer))
}

func sleeping(w http.ResponseWriter, r *http.Request) {
	d, _ := time.ParseDuration(strings.TrimPrefix(r.URL.Path, "/"))
	time.Sleep(d)
	fixed(w, r)
}

func muxRoutes(n int) http.Handler {
	m := mux.NewRouter()
	for i := range n {
		m.HandleFunc(fmt.Sprintf("/api/v1/res%d/{id}", i), fixed).Methods("GET")
	}
	return m
}

// beServer serves until its input ends, and answers each line of it with its CPU time in microseconds and its largest
// resident set in KiB.
func beServer(kind string) error {
	start, ok := kinds[kind]
	if proxy, is := proxyKinds[kind]; is {
		start, ok = func() (string, error) { return proxy(os.Getenv(upstreamEnv)) }, true
	}
	if !ok {
		return fmt.Errorf("no server %q", kind)
	}
	url, err := start()
	if err != nil {
		return err
	}
	fmt.Println(url)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return err
		}
		fmt.Println((u.Utime.Sec+u.Stime.Sec)*1e6+u.Utime.Usec+u.Stime.Usec, u.Maxrss)
	}
	return nil
}

// server is a server in a process of its own.
type server struct {
	cmd  *exec.Cmd
	in   interface{ Close() error }
	ask  func() error
	out  *bufio.Reader
	addr string
}

func start(kind string) (*server, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"="+kind)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, in: in, out: bufio.NewReader(out), ask: func() error { _, err := in.Write([]byte("\n")); return err }}
	url, err := s.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("server %s: %w", kind, err)
	}
	s.addr = strings.TrimPrefix(strings.TrimSpace(url), "http://")
	return s, nil
}

// usage is the server's CPU time in microseconds and its largest resident set in KiB.
func (s *server) usage() (cpu, rss int64, err error) {
	if err := s.ask(); err != nil {
		return 0, 0, err
	}
	_, err = fmt.Fscan(s.out, &cpu, &rss)
	return cpu, rss, err
}

func (s *server) stop() {
	_ = s.in.Close()
	_ = s.cmd.Wait()
}
