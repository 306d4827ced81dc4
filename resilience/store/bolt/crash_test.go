package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"brownout/resilience/store/bolt"
	"brownout/resilience/store/storetest"
)

// childFile and childFirst make the test binary a process that works on a file until it is killed.
const (
	childFile  = "BROWNOUT_BOLT_TEST_FILE"
	childFirst = "BROWNOUT_BOLT_TEST_FIRST"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		fmt.Fprintln(os.Stderr, child(file))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// child works until it is killed, or until nobody reads its output any more.
func child(file string) error {
	first, err := strconv.Atoi(os.Getenv(childFirst))
	if err != nil {
		return err
	}
	s, err := bolt.Open(file, bolt.Settings{})
	if err != nil {
		return err
	}
	return storetest.Work(context.Background(), s, first, func(line string) {
		if _, err := os.Stdout.WriteString(line + "\n"); err != nil {
			os.Exit(1)
		}
	})
}

// A process is killed 200 times at random points between claim and commit, and within them. No key that it said was
// committed is lost, and none is committed twice.
func TestKill(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	const seed = 1
	chance := rand.New(rand.NewPCG(seed, 0))
	file := filepath.Join(t.TempDir(), "claims.db")
	var ledger storetest.Ledger
	for round := range rounds {
		commits, extra := chance.IntN(6), time.Duration(chance.IntN(3000))*time.Microsecond
		killed(t, file, &ledger, commits, extra)
		if round%20 == 19 || round == rounds-1 {
			check(t, file, &ledger)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", round+1)
		}
	}
	t.Logf("%d kills (seed %d): %d claims won, %d commits returned", rounds, seed, ledger.Won, ledger.Committed)
	if ledger.Committed < rounds || ledger.Won == ledger.Committed {
		t.Errorf("%d claims won and %d commits in %d rounds: too few were caught between them to show anything", ledger.Won, ledger.Committed, rounds)
	}
}

// killed starts a child, lets it commit so often and work on for a while, kills it, and reads what else it said.
func killed(t *testing.T, file string, ledger *storetest.Ledger, commits int, extra time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+file, childFirst+"="+strconv.Itoa(max(0, ledger.Next-10)))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	for kill, before := (*time.Timer)(nil), ledger.Committed; ; {
		if kill == nil && ledger.Committed-before >= commits {
			kill = time.AfterFunc(extra, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		line, err := in.ReadString('\n')
		if err != nil {
			break // what follows the last line end was cut off by the kill
		}
		ledger.Read(t, strings.TrimSuffix(line, "\n"))
	}
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was not killed but ended by itself: %v: %s", cmd.ProcessState, complaint.String())
	}
}

func check(t *testing.T, file string, ledger *storetest.Ledger) {
	t.Helper()
	s, err := bolt.Open(file, bolt.Settings{})
	if err != nil {
		t.Fatalf("opening the file after a kill: %v", err)
	}
	ledger.Check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
