package chaosserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"brownout/chaosserver/journal"
)

// killedEnv makes the test binary the server that TestKilledServer kills; its value is the journal's file.
const killedEnv = "BROWNOUT_TEST_KILLED_SERVER"

const killedScenario = `
routes:
  - {match: "GET /small/*", answers: [{status: 503, times: 2}, {status: 200}]}
  - {match: "GET /big/*", answers: [{size: 256KiB}]}
  - {match: "POST /upload/*", answers: [{status: 201, json: {id: "{call}"}}]}
  - {match: "POST /charge/*", commit: {key: Idempotency-Key}, answers: [{status: 201, json: {id: "{call}"}}]}
faults: [{name: flaky, chance: 20%, status: 500}]
`

func TestMain(m *testing.M) {
	if file := os.Getenv(killedEnv); file != "" {
		os.Exit(serveUntilKilled(file))
	}
	os.Exit(m.Run())
}

// serveUntilKilled serves with a journal in a file, says where, and ends with its input, should nobody kill it.
func serveUntilKilled(file string) int {
	s, err := parseScenario(killedScenario)
	if err == nil {
		var srv *Server
		if srv, err = New(s, WithJournal(journal.Options{File: file})); err == nil {
			err = srv.Start()
			fmt.Println(srv.URL())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// TestKilledServer kills the server under load, at points spread over its work, 50 times. Of every answer of which a
// client has seen a byte the journal's file has the attempt, and of every charge the effect, in front of it; the file can be
// read up to its last whole line.
func TestKilledServer(t *testing.T) {
	const rounds = 50
	torn, answers, effects := 0, 0, 0
	for round := range rounds {
		file := filepath.Join(t.TempDir(), "journal")
		seen := killUnderLoad(t, file, 1+rand.IntN(200))
		log, err := journal.ReadFile(file)
		if err != nil {
			t.Fatalf("round %d: the journal cannot be read: %v", round, err)
		}
		recorded := make(map[string]bool, len(log.Attempts))
		for i := range log.Attempts {
			recorded[log.Attempts[i].Target] = true
		}
		for _, target := range seen {
			if !recorded[target] {
				t.Errorf("round %d: the answer to %s was seen, and is in no record of %d", round, target, len(log.Attempts))
			}
		}
		for _, wrong := range unmatched(log) {
			t.Errorf("round %d: %s", round, wrong)
		}
		answers += len(seen)
		effects += len(log.Effects)
		if log.Torn {
			torn++
		}
	}
	t.Logf("%d answers seen, %d effects, %d files torn in their last line", answers, effects, torn)
	if effects == 0 {
		t.Error("no charge was committed in any round")
	}
}

// unmatched says which charges and effects of a record do not fit: a charge that was answered by a 201 has one effect, and no
// key has two. The last effects may stand for attempts that the file has not.
func unmatched(log *journal.Log) []string {
	var wrong []string
	byAttempt, byKey := map[uint64]int{}, map[string]int{}
	for i := range log.Effects {
		e := &log.Effects[i]
		byAttempt[e.Seq]++
		if byKey[e.Key]++; byKey[e.Key] > 1 {
			wrong = append(wrong, "a key has two effects: "+e.Key)
		}
	}
	for i := range log.Attempts {
		a := &log.Attempts[i]
		want := 0
		if a.Status == 201 && strings.HasPrefix(a.Target, "/charge/") {
			want = 1
		}
		if byAttempt[a.Seq] != want {
			wrong = append(wrong, fmt.Sprintf("%s %s, answered by %d, has %d effects", a.Method, a.Target, a.Status, byAttempt[a.Seq]))
		}
	}
	return wrong
}

// killUnderLoad lets 8 clients work on a server, kills it once they have seen so many answers, and returns the targets of
// the answers of which a byte was seen.
func killUnderLoad(t *testing.T, file string, after int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedEnv+"="+file)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	url, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	addr := strings.TrimPrefix(strings.TrimSpace(url), "http://")

	var (
		mu   sync.Mutex
		seen []string // guarded by mu
		n    atomic.Int64
		wg   sync.WaitGroup
	)
	for client := range 8 {
		wg.Go(func() {
			mine := askUntilCut(addr, client, func() {
				if int(n.Add(1)) == after {
					_ = cmd.Process.Kill()
				}
			})
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, mine...)
		})
	}
	wg.Wait()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the server ended by itself: %v", err)
	}
	return seen
}

// askUntilCut sends requests, each with a target of its own, until the connection breaks, and returns the targets of
// those of whose answers a byte came.
func askUntilCut(addr string, client int, answered func()) []string {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil
	}
	defer nc.Close()
	in := bufio.NewReader(nc)
	var seen []string
	for i := 0; ; i++ {
		target := fmt.Sprintf("/%s/%d-%d", []string{"small", "big", "upload", "charge"}[i%4], client, i)
		request := "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"
		if i%4 >= 2 {
			request = "POST " + target + " HTTP/1.1\r\nHost: x\r\nIdempotency-Key: " + target + "\r\nContent-Length: 5\r\n\r\nhello"
		}
		if _, err := io.WriteString(nc, request); err != nil {
			return seen
		}
		if _, err := in.Peek(1); err != nil {
			return seen
		}
		seen = append(seen, target)
		answered()
		if err := skipAnswer(in); err != nil {
			return seen
		}
	}
}

// skipAnswer reads an answer to its end.
func skipAnswer(in *bufio.Reader) error {
	length := int64(0)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			if _, err := fmt.Sscan(v, &length); err != nil {
				return err
			}
		}
		if line == "\r\n" {
			_, err := io.CopyN(io.Discard, in, length)
			return err
		}
	}
}
