package trial

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

// driver is a client in this process.
type driver func(ctx context.Context, site drive.Site, rec drive.Recorder) error

func (d driver) Run(ctx context.Context, site drive.Site, rec drive.Recorder) error {
	return d(ctx, site, rec)
}

// gets returns a client that sends so many GETs, a pause between them.
func gets(n int, pause time.Duration) driver {
	return func(ctx context.Context, site drive.Site, rec drive.Recorder) error {
		for i := range n {
			if i > 0 {
				wait(ctx, pause)
			}
			if err := get(ctx, site.URL+"/a"); err != nil && ctx.Err() == nil {
				return err
			}
		}
		return nil
	}
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func scenario(t *testing.T, text string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("test.yaml", []byte("name: test\nroutes:\n  - match: GET /a\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const twice = "    answers: [{status: 503}, {status: 200}]\nexpect: [succeeds: all, attempts: {per_call: 2}]\n"

func config(t *testing.T, s *scenarios.Scenario, d drive.Driver) Config {
	return Config{Scenario: s, Driver: d, Journal: filepath.Join(t.TempDir(), "test.ndjson")}
}

func TestRunJudgesTheFile(t *testing.T) {
	var seen []uint64
	c := config(t, scenario(t, twice), gets(2, time.Millisecond))
	c.Live = func(_ journal.Header, record any) { seen = append(seen, record.(*journal.Attempt).Seq) }
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Outcome != verdict.Pass || len(r.Log.Attempts) != 2 || r.Interrupted || r.Elapsed <= 0 {
		t.Errorf("outcome %v, %d attempts: %+v", r.Verdict.Outcome, len(r.Log.Attempts), r.Verdict)
	}
	if !slices.Equal(seen, []uint64{1, 2}) {
		t.Errorf("Live saw %v, want every attempt once", seen)
	}
	log, err := journal.ReadFile(r.Journal)
	if err != nil {
		t.Fatal(err)
	}
	if again := verdict.Judge(c.Scenario, log); again.Outcome != r.Verdict.Outcome || len(again.Findings) != len(r.Verdict.Findings) {
		t.Errorf("judged again the file says %v", again)
	}
}

func TestRunCannot(t *testing.T) {
	broken := errors.New("no such driver")
	c := config(t, scenario(t, twice), driver(func(context.Context, drive.Site, drive.Recorder) error { return broken }))
	if _, err := Run(t.Context(), c); !errors.Is(err, broken) {
		t.Errorf("the driver's error became %v", err)
	}
	c = config(t, scenario(t, twice), gets(2, 0))
	if err := os.WriteFile(c.Journal, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "could not be started") {
		t.Errorf("a journal that exists gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, config(t, scenario(t, twice), gets(2, 0))); !errors.Is(err, ErrNotStarted) {
		t.Errorf("a context that has ended gave %v", err)
	}
}

func TestTimeLimit(t *testing.T) {
	c := config(t, scenario(t, twice), driver(func(ctx context.Context, _ drive.Site, _ drive.Recorder) error {
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), drive.ErrTimedOut) {
			t.Errorf("ended by %v", context.Cause(ctx))
		}
		return nil
	}))
	c.Timeout = 10 * time.Millisecond
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	last := r.Verdict.Findings[len(r.Verdict.Findings)-1]
	if r.Verdict.Outcome != verdict.Error || last.Sentence != "The client had calls left to make when the time limit of 10ms ended it." {
		t.Errorf("%v: %q", r.Verdict.Outcome, last.Sentence)
	}
}

func TestQuiet(t *testing.T) {
	c := config(t, scenario(t, "    answers: [{status: 503, retry_after: 1s}, {status: 200}]\nexpect: [honours_retry_after]\n"),
		driver(func(ctx context.Context, site drive.Site, rec drive.Recorder) error {
			if err := gets(2, 1010*time.Millisecond).Run(ctx, site, rec); err != nil {
				return err
			}
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), errQuiet) {
				t.Errorf("ended by %v", context.Cause(ctx))
			}
			return nil
		}))
	c.Quiet = 900 * time.Millisecond // shorter than the pause that the server asks for, which does not count
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Outcome != verdict.Pass || r.Interrupted {
		t.Errorf("outcome %v: %+v", r.Verdict.Outcome, r.Verdict.Findings)
	}
}

func TestInterruptedRunsAreJudged(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Run(ctx, config(t, scenario(t, twice), driver(func(ctx context.Context, site drive.Site, _ drive.Recorder) error {
		err := get(ctx, site.URL+"/a")
		cancel()
		return err
	})))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || len(r.Log.Attempts) != 1 || r.Verdict.Outcome != verdict.Fail {
		t.Errorf("interrupted %v, %d attempts, %v", r.Interrupted, len(r.Log.Attempts), r.Verdict.Outcome)
	}
}

func TestUndeclaredIsSkipped(t *testing.T) {
	s := scenario(t, "    answers: [{delay: 1.5 attempt_timeout}]\nexpect: [succeeds: all]\n")
	r, err := Run(t.Context(), config(t, s, driver(func(context.Context, drive.Site, drive.Recorder) error {
		t.Error("the client was started")
		return nil
	})))
	if err != nil || r.Verdict.Outcome != verdict.Skip || r.Verdict.Reason == "" || r.Verdict.Seed != 1 {
		t.Errorf("%v, %+v", err, r.Verdict)
	}
}

func TestRunAllAtMostJobsAtOnce(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	third := make(chan struct{})
	d := driver(func(ctx context.Context, site drive.Site, _ drive.Recorder) error {
		mu.Lock()
		running++
		if most = max(most, running); running == 3 {
			close(third) // nobody ends before three are at work
		}
		mu.Unlock()
		<-third
		err := get(ctx, site.URL+"/a")
		mu.Lock()
		running--
		mu.Unlock()
		return err
	})
	s := scenario(t, "expect: [succeeds: all]\n")
	configs := make([]Config, 3)
	for i := range configs {
		configs[i] = config(t, s, d)
	}
	var order []int
	results := RunAll(t.Context(), configs, 3, func(i int, r Result) { order = append(order, i) })
	if most != 3 || len(order) != 3 {
		t.Errorf("at most %d at once, %d told; want 3 and 3", most, len(order))
	}
	for i, r := range results {
		if r.Verdict.Outcome != verdict.Pass || r.Journal != configs[i].Journal {
			t.Errorf("trial %d: %v, %s", i, r.Verdict.Outcome, r.Journal)
		}
	}
}

func TestRunAllOneAfterTheOther(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := driver(func(ctx context.Context, site drive.Site, _ drive.Recorder) error {
		err := get(ctx, site.URL+"/a")
		cancel() // what follows is not started any more
		return err
	})
	broken := driver(func(context.Context, drive.Site, drive.Recorder) error { return errors.New("no such driver") })
	s := scenario(t, "expect: [succeeds: all]\n")
	results := RunAll(ctx, []Config{config(t, s, broken), config(t, s, d), config(t, s, d)}, 0, nil)
	if v := results[0].Verdict; v.Outcome != verdict.Error || v.Reason != "no such driver" || v.Scenario != "test" {
		t.Errorf("what could not run: %+v", v)
	}
	if r := results[1]; r.Verdict.Outcome != verdict.Pass || !r.Interrupted {
		t.Errorf("what was at work: %+v", r.Verdict)
	}
	if v := results[2].Verdict; v.Outcome != verdict.Skip || v.Reason != NotStarted {
		t.Errorf("what had not started: %+v", v)
	}
}

func TestLateMachineRunsAgainAlone(t *testing.T) {
	runs := 0
	d := driver(func(ctx context.Context, site drive.Site, rec drive.Recorder) error {
		runs++
		if err := get(ctx, site.URL+"/a"); err != nil {
			return err
		}
		if runs == 1 { // the machine stood still for longer than the client may be late
			wait(ctx, 1700*time.Millisecond)
			if err := rec.(*journal.Journal).Late(journal.Lateness{At: rec.Now(), Late: 1600 * time.Millisecond}); err != nil {
				return err
			}
		} else {
			wait(ctx, 1010*time.Millisecond)
		}
		return get(ctx, site.URL+"/a")
	})
	s := scenario(t, "    answers: [{status: 503, retry_after: 1s}, {status: 200}]\nexpect: [honours_retry_after: {late: 100ms}]\n")
	told := 0
	results := RunAll(t.Context(), []Config{config(t, s, d)}, 1, func(int, Result) { told++ })
	r := results[0]
	if runs != 2 || told != 1 || r.Verdict.Outcome != verdict.Pass || r.Rerun == "" || !strings.HasSuffix(r.Journal, "test.again.ndjson") {
		t.Errorf("%d runs, told %d times, %v, %q, %s", runs, told, r.Verdict.Outcome, r.Rerun, r.Journal)
	}
}

func TestLateAlone(t *testing.T) {
	late := verdict.Finding{Outcome: verdict.Inconclusive, Lateness: true}
	for _, c := range []struct {
		outcome  verdict.Outcome
		findings []verdict.Finding
		want     bool
		why      string
	}{
		{verdict.Inconclusive, []verdict.Finding{late, {Outcome: verdict.Pass}}, true, "nothing else stands in the way"},
		{verdict.Inconclusive, []verdict.Finding{late, {Outcome: verdict.Inconclusive}}, false, "another run would not help the other"},
		{verdict.Inconclusive, nil, false, "every check was skipped"},
		{verdict.Fail, []verdict.Finding{late, {Outcome: verdict.Fail}}, false, "it failed anyway"},
		{verdict.Pass, []verdict.Finding{{Outcome: verdict.Warn, Lateness: true}}, false, "it passed"},
	} {
		if got := lateAlone(&verdict.Verdict{Outcome: c.outcome, Findings: c.findings}); got != c.want {
			t.Errorf("%s: %v", c.why, got)
		}
	}
}
