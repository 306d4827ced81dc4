package trial

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
	"brownout/suites/verdict"
)

// consumed runs a scenario against a consumer in virtual time.
func consumed(t *testing.T, text string, consumer func(up *Upstream) http.Handler) (verdict.Verdict, *journal.Log) {
	t.Helper()
	s, err := scenarios.Parse("webhooks.yaml", []byte("name: webhooks\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	var v verdict.Verdict
	var log *journal.Log
	synctest.Test(t, func(t *testing.T) {
		if v, log, err = InMemoryConsumer(context.Background(), s, consumer); err != nil {
			t.Fatal(err)
		}
	})
	return v, log
}

// answering is a consumer that answers each delivery with a status after a while.
func answering(status int, after time.Duration) func(*Upstream) http.Handler {
	return func(*Upstream) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(after)
			w.WriteHeader(status)
		})
	}
}

// TestConsumerInVirtualTime: a scenario of webhooks alone is judged by its deliveries, at the very edge of each limit, and
// nothing says that the client never called.
func TestConsumerInVirtualTime(t *testing.T) {
	const slack = "deliveries: [{event: Ev1, sender: slack}]\nexpect: [acknowledges]"
	for _, row := range []struct {
		name, scenario string
		status         int
		after          time.Duration
		want           verdict.Outcome
		says           string
	}{
		{"at once", slack, 200, 0, verdict.Pass, "acknowledges 1/1"},
		{"half a second before the limit", slack, 200, 2500 * time.Millisecond, verdict.Pass, "acknowledges 1/1"},
		{"later than that", slack, 200, 2501 * time.Millisecond, verdict.Inconclusive, "so near to the limit"},
		{"half a second behind the limit", slack, 200, 3499 * time.Millisecond, verdict.Inconclusive, "so near to the limit"},
		{"never in time", slack, 200, 10 * time.Second, verdict.Fail, "had not answered delivery 1 of Ev1 after 3.750s; 3s are allowed"},
		{"refused", slack, 500, 0, verdict.Fail, "answered delivery 1 of Ev1 with 500, not with 2xx"},
		{"refused, as it has to be", "deliveries: [{event: a, tamper: wrong-secret}]\nexpect: [refuses]", 401, 0, verdict.Pass, "refuses 1/1"},
		{"taken, and bad", "deliveries: [{event: a, tamper: wrong-secret}]\nexpect: [refuses]", 200, 0, verdict.Fail, "acknowledged delivery 1 of a (wrong-secret) with 200"},
		{"bad, and answered so that it comes again", "deliveries: [{event: a, skew: 10m}]\nexpect: [refuses]", 503, 0, verdict.Fail, "with 503, which has it sent again"},
		{"another status than those", "deliveries: [{event: a, skew: 10m}]\nexpect: [refuses: [401, 403]]", 404, 0, verdict.Fail, "with 404, not with 401 or 403"},
		{"neither good nor bad", "deliveries: [{event: a, skew: 5m}]\nexpect: [acknowledges]", 500, 0, verdict.Inconclusive, "no good delivery was sent"},
		{"a skew that is allowed", "deliveries: [{event: a, skew: -4m}]\nexpect: [acknowledges]", 200, 0, verdict.Pass, "acknowledges 1/1"},
		{"three of a kind", "deliveries: [{event: a, send: [0s, 2s, 1m], events: 2, copies: 2}]\nexpect: [acknowledges]", 204, 0, verdict.Pass, "acknowledges 12/12"},
		{"none of ten taken", "deliveries: [{event: a, copies: 10}]\nexpect: [acknowledges: {at_least: 1}]", 409, 0, verdict.Fail, "acknowledged 0 deliveries of a, and at least 1 are expected"},
		{"a refusal is expected", "deliveries: [{event: a}]\nexpect: [acknowledges: {status: non-2xx}]", 503, 0, verdict.Pass, "1/1 not taken"},
		{"a refusal is expected, and does not come", "deliveries: [{event: a}]\nexpect: [acknowledges: {status: non-2xx}]", 200, 0, verdict.Fail, "though its work could not be done"},
		{"nothing but a delivery", "deliveries: [{event: a, optional: true, when: {elapsed: 1h}}]\nexpect: [acknowledges]", 200, 0, verdict.Pass, "acknowledges 1/1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, _ := consumed(t, row.scenario, answering(row.status, row.after))
			said := slices.ContainsFunc(v.Findings, func(f verdict.Finding) bool {
				return strings.Contains(f.Sentence, row.says) || strings.Contains(f.Summary, row.says)
			})
			if v.Outcome != row.want || !said {
				t.Errorf("the verdict is %v, want %v with %q: %+v", v.Outcome, row.want, row.says, v.Findings)
			}
		})
	}
}

// TestSchedule: deliveries leave when they are due, with the marks of their kind, and the scenario's time begins with them.
func TestSchedule(t *testing.T) {
	_, log := consumed(t, `
deliveries:
  - {event: a, sender: slack, when: {elapsed: 1s}, send: [0s, 10s]}
  - {event: b, sender: slack, retry: vendor}
  - {event: c, sender: slack, retry: [2s, 4s], retry_num: 1, timeout: 1s}
expect: [acknowledges]`, answering(500, 0))
	type seen struct {
		event    string
		at       time.Duration
		n, retry int
		mark     string
	}
	var got []seen
	zero := log.Deliveries[0].Planned
	for _, d := range log.Deliveries {
		mark := ""
		for _, f := range d.Headers {
			if f.Name == "X-Slack-Retry-Num" || f.Name == "X-Slack-Retry-Reason" {
				mark += f.Value + " "
			}
		}
		if d.Sent != d.Planned || d.Status != 500 || !d.Ended {
			t.Errorf("%+v", d)
		}
		got = append(got, seen{d.Event, d.Sent - zero, d.N, d.Retry, strings.TrimSpace(mark)})
	}
	const s, m = time.Second, time.Minute
	want := []seen{
		{"b", 0, 1, 0, ""}, {"b", 0, 2, 1, "1 http_error"}, {"c", 0, 1, 0, "1 http_timeout"}, {"a", s, 1, 0, ""}, {"c", 2 * s, 2, 1, "2 http_error"},
		{"c", 6 * s, 3, 2, "3 http_error"}, {"a", 11 * s, 2, 0, ""}, {"b", m, 3, 2, "2 http_error"}, {"b", 6 * m, 4, 3, "3 http_error"},
	}
	slices.SortStableFunc(got, func(a, b seen) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return strings.Compare(a.event, b.event)
	})
	if !slices.Equal(got, want) {
		t.Errorf("sent were\n%+v, want\n%+v", got, want)
	}
}
