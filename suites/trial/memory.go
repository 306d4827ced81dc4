package trial

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"brownout/chaosserver"
	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

// ErrDropped is what InMemory gives when the journal's ring was too small for the run.
var ErrDropped = errors.New("the journal in memory was too small for the run")

// InMemory runs a scenario against a Go client of this process, over connections in memory, and judges it. In a bubble of
// virtual time (testing/synctest) it takes none, however long the scenario waits.
//
// The clients that the scenario's drive asks for are made by newClient, which puts whatever it tests around base; base knows
// the way to the server and is a client's own. The error says that the trial could not be run; that a client misbehaved is
// in the verdict.
func InMemory(ctx context.Context, s *scenarios.Scenario, newClient func(base http.RoundTripper) *http.Client) (verdict.Verdict, *journal.Log, error) {
	srv, err := chaosserver.New(s)
	if err != nil {
		return verdict.Verdict{}, nil, fmt.Errorf("the chaos server could not be made: %w", err)
	}
	if err := srv.StartMemory(); err != nil {
		return verdict.Verdict{}, nil, fmt.Errorf("the chaos server could not be started: %w", err)
	}
	began := time.Now()
	driver := drive.InProcess{
		New: func() *http.Client {
			return newClient(&http.Transport{
				DialContext:         srv.DialContext,
				TLSClientConfig:     srv.ClientTLS(),
				TLSHandshakeTimeout: http.DefaultTransport.(*http.Transport).TLSHandshakeTimeout,
			})
		},
		Steps:  s.Drive,
		Settle: settle(s),
	}
	err = driver.Run(ctx, siteOf(srv, s), srv.Journal())
	elapsed := time.Since(began)
	if closing := srv.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("the chaos server could not be closed: %w", closing))
	}
	log := srv.Journal().Log() // as a file has it: to the end of what was watched for late attempts
	if err == nil && len(log.Dropped) > 0 {
		err = fmt.Errorf("%w: %d records dropped", ErrDropped, log.Dropped[0].Count)
	}
	if err != nil {
		return verdict.Verdict{}, nil, err
	}
	v := verdict.Judge(s, log)
	v.Elapsed = elapsed
	return v, log, nil
}

// settle is how long a run goes on after its last call: what the last step says, else the larger of 2 s and twice the
// client's declared cap.
func settle(s *scenarios.Scenario) time.Duration {
	if n := len(s.Drive); n > 0 && s.Drive[n-1].Settle != nil {
		return *s.Drive[n-1].Settle
	}
	least := 2 * time.Second
	if limit := s.Profile.Cap; limit != nil {
		least = max(least, 2**limit)
	}
	return least
}
