package verdict

import (
	"testing"
	"time"

	"brownout/chaosserver/journal"
	"brownout/scenarios"
)

// hooks makes a scenario of deliveries from their text, with one expectation.
func hooks(t *testing.T, deliveries, expect string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Parse("hooks.yaml", []byte("name: hooks\nroutes:\n  - match: POST /effects/:event\n  - match: PUT /orders/:id\ndeliveries:\n"+
		deliveries+"\nexpect:\n  - "+expect+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sentAt adds a delivery that was answered after a while; with a status of 0 none came.
func (r *recorded) sentAt(at time.Duration, event string, status int, after time.Duration, changes ...func(*journal.Delivery)) *recorded {
	d := journal.Delivery{DeliveryRecord: journal.DeliveryRecord{ID: uint64(len(r.Deliveries) + 1), Event: event, N: 1, Copy: 1, Planned: at, Sent: at},
		Ended: true, Written: at, Done: at + after, Status: status}
	if status > 0 {
		d.Answered = at + after
	} else {
		d.Failure = "no answer within 3s"
	}
	for _, c := range changes {
		c(&d)
	}
	r.Deliveries = append(r.Deliveries, d)
	r.End = max(r.End, d.Done)
	return r
}

func entryOf(i int) func(*journal.Delivery)    { return func(d *journal.Delivery) { d.Entry = i } }
func copyNo(n int) func(*journal.Delivery)     { return func(d *journal.Delivery) { d.Copy = n } }
func retryNo(n int) func(*journal.Delivery)    { return func(d *journal.Delivery) { d.Retry = n } }
func isBad(why string) func(*journal.Delivery) { return func(d *journal.Delivery) { d.Bad = why } }
func failing(why string) func(*journal.Delivery) {
	return func(d *journal.Delivery) { d.Failure = why }
}
func leftAt(t time.Duration) func(*journal.Delivery) {
	return func(d *journal.Delivery) {
		d.Sent, d.Written = t, t
		d.Headers = []journal.Field{{Name: "Content-Length", Value: "2"}}
	}
}
func notEnded(d *journal.Delivery) { d.Ended, d.Status, d.Answered, d.Done = false, 0, 0, 0 }

// effect adds an effect of an event that an attempt committed.
func (r *recorded) effect(at time.Duration, target, event, content string) *recorded {
	a := journal.Attempt{Seq: uint64(len(r.Attempts) + 1), Route: "POST /effects/:event", Method: "POST", Target: target, Call: target, CallNo: 1, N: 1,
		First: at, Read: at, Sent: at, Done: at, Ended: true, Whole: true, BodyWhole: true, Status: 200, Event: event,
		Body: []byte(content), BodyLen: int64(len(content)), Naming: journal.NamedByHeader}
	r.Attempts = append(r.Attempts, a)
	r.Effects = append(r.Effects, journal.Effect{Seq: a.Seq, At: at, Route: a.Route, Call: a.Call, Event: event})
	r.End = max(r.End, at)
	return r
}

func TestAcknowledges(t *testing.T) {
	slack := "  - {event: a, sender: slack}"
	twice := "  - {event: a, sender: slack, send: [0s, 10s]}"
	again := "  - {event: a, sender: slack, retry: [1s, 1s]}"
	for _, j := range []judged{
		{"in time", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 200, sec), said{Pass, "acknowledges 1/1", "", "", ""}},
		{"half a second before the limit", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 200, 2500*ms), said{Pass, "acknowledges 1/1", "", "", ""}},
		{"near to the limit", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 204, 2600*ms), said{Inconclusive,
			"the consumer answered delivery 1 of a so near to the limit that it may be late elsewhere: 204 in 2.600s, and 3s are the limit.", "", "", ""}},
		{"behind it", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 204, 3600*ms), said{Fail,
			"The consumer took 3.600s to acknowledge delivery 1 of a; 3s are allowed.", "1 of 1 delivery fell short", "6:5 it was delivered from here", ""}},
		{"behind it, and the machine was late", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 204, 3600*ms).late(2*sec, 800*ms), said{Inconclusive,
			"the consumer answered 1 delivery late, but the machine itself was late.", "", "", ""}},
		{"a quarter about a short limit", hooks(t, slack, "acknowledges: 400ms"), record().sentAt(0, "a", 204, 300*ms), said{Pass, "acknowledges 1/1", "", "", ""}},
		{"more than that", hooks(t, slack, "acknowledges: 400ms"), record().sentAt(0, "a", 204, 501*ms), said{Fail,
			"The consumer took 0.501s to acknowledge delivery 1 of a; 400ms are allowed.", "", "", ""}},
		{"refused", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 409, sec), said{Fail,
			"The consumer answered delivery 1 of a with 409, not with 2xx.", "", "", ""}},
		{"no answer", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 0, 3750*ms).late(sec, 249*ms), said{Fail,
			"The consumer had not answered delivery 1 of a after 3.750s; 3s are allowed.", "", "", ""}},
		{"no answer, and the machine was late", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 0, 3750*ms).late(sec, 250*ms), said{Inconclusive,
			"the consumer answered 1 delivery late, but the machine itself was late.", "", "", ""}},
		{"no consumer", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 0, 0, failing("no connection: connection refused")), said{Fail,
			"The consumer did not answer delivery 1 of a after 0s: no connection: connection refused.", "", "", ""}},
		{"cut off", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 0, 0, notEnded), said{Inconclusive,
			"the run ended before 1 delivery was answered.", "", "", ""}},
		{"cut short by the run", hooks(t, slack, "acknowledges"), record().sentAt(0, "a", 0, sec, failing(cutShort)), said{Inconclusive,
			"the run ended before 1 delivery was answered.", "", "", ""}},
		{"no delivery", hooks(t, slack, "acknowledges"), record(), said{Inconclusive, "no good delivery was sent.", "", "", ""}},
		{"the second one is refused", hooks(t, twice, "acknowledges"), record().sentAt(0, "a", 200, 0).sentAt(10*sec, "a", 500, 0), said{Fail,
			"The consumer answered delivery 2 of a with 500, not with 2xx.", "1 of 2 deliveries fell short", "", ""}},
		{"just the first is judged", hooks(t, twice, "acknowledges: {nth: 1}"), record().sentAt(0, "a", 200, 0).sentAt(10*sec, "a", 500, 0), said{Pass,
			"acknowledges 1/1", "", "", ""}},
		{"the last of those that failed is judged", hooks(t, again, "acknowledges"), record().sentAt(0, "a", 503, 0).sentAt(sec, "a", 200, 0, retryNo(1)), said{Pass,
			"acknowledges 1/1", "", "", ""}},
		{"which failed too", hooks(t, again, "acknowledges"), record().sentAt(0, "a", 503, 0).sentAt(sec, "a", 500, 0, retryNo(1)).sentAt(2*sec, "a", 502, 0, retryNo(2)), said{Fail,
			"The consumer answered delivery 3 of a with 502, not with 2xx.", "", "", ""}},
		{"the first had to be refused", hooks(t, again, "acknowledges: {status: non-2xx, nth: 1}"), record().sentAt(0, "a", 503, 0).sentAt(sec, "a", 200, 0, retryNo(1)), said{Pass,
			"acknowledges: 1/1 not taken", "", "", ""}},
		{"and was not", hooks(t, again, "acknowledges: {status: non-2xx, nth: 1}"), record().sentAt(0, "a", 200, 0), said{Fail,
			"The consumer acknowledged delivery 1 of a with 200, though its work could not be done.", "", "", ""}},
		{"one of each", hooks(t, "  - {event: a, events: 2, copies: 2}", "acknowledges: {at_least: 1}"),
			record().sentAt(0, "a_1", 200, 0).sentAt(0, "a_1", 409, 0, copyNo(2)).sentAt(0, "a_2", 409, 0).sentAt(0, "a_2", 200, 0, copyNo(2)), said{Pass,
				"acknowledges: at least 1 of each of 2 events", "", "", ""}},
		{"and of one none", hooks(t, "  - {event: a, events: 2, copies: 2}", "acknowledges: {at_least: 1}"),
			record().sentAt(0, "a_1", 200, 0).sentAt(0, "a_1", 409, 0, copyNo(2)).sentAt(0, "a_2", 409, 0).sentAt(0, "a_2", 409, 0, copyNo(2)), said{Fail,
				"The consumer acknowledged 0 deliveries of a_2, and at least 1 are expected.", "", "", ""}},
		{"another event is not judged", hooks(t, "  - {event: a}\n  - {event: b}", "acknowledges: {event: a}"),
			record().sentAt(0, "a", 200, 0).sentAt(0, "b", 500, 0, entryOf(1)), said{Pass, "acknowledges 1/1", "", "", ""}},
		{"all of an entry's are", hooks(t, "  - {event: a, events: 2}", "acknowledges: {event: a}"),
			record().sentAt(0, "a_1", 200, 0).sentAt(0, "a_2", 500, 0), said{Fail, "The consumer answered delivery 1 of a_2 with 500, not with 2xx.", "", "", ""}},
		{"bad ones are not", hooks(t, "  - {event: a}\n  - {event: b, tamper: wrong-secret}", "acknowledges"),
			record().sentAt(0, "a", 200, 0).sentAt(0, "b", 401, 0, entryOf(1), isBad("wrong-secret")), said{Pass, "acknowledges 1/1", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestRefuses(t *testing.T) {
	s := hooks(t, "  - {event: a, tamper: wrong-secret}\n  - {event: a, send: [10s]}", "refuses")
	bad := func(status int) *recorded { return record().sentAt(0, "a", status, 0, isBad("wrong-secret")) }
	for _, j := range []judged{
		{"refused", s, bad(401).sentAt(10*sec, "a", 200, 0, entryOf(1)), said{Pass, "refuses 1/1", "", "", ""}},
		{"taken", s, bad(200).sentAt(10*sec, "a", 200, 0, entryOf(1)), said{Fail, "The consumer acknowledged delivery 1 of a (wrong-secret) with 200, and it has to be refused.",
			"bad deliveries of 1 event were not refused", "6:5 it was delivered from here: wrong-secret", ""}},
		{"so that it comes again", s, bad(500), said{Fail, "The consumer answered delivery 1 of a (wrong-secret) with 500, which has it sent again.", "", "", ""}},
		{"redirected", s, bad(302), said{Fail, "The consumer answered delivery 1 of a (wrong-secret) with 302, not with 4xx.", "", "", ""}},
		{"not answered", s, bad(0), said{Fail, "The consumer did not answer delivery 1 of a (wrong-secret) after 0s: no answer within 3s.", "", "", ""}},
		{"by one of two statuses", hooks(t, "  - {event: a, tamper: wrong-secret}", "refuses: [401, 403]"), bad(400), said{Fail,
			"The consumer answered delivery 1 of a (wrong-secret) with 400, not with 401 or 403.", "", "", ""}},
		{"refused, and done all the same", s, bad(401).effect(sec, "/effects/a", "a", "").sentAt(10*sec, "a", 200, 0, entryOf(1)), said{Fail,
			"The consumer committed an effect on POST /effects/:event for a, of which 0 good deliveries had been sent.", "a bad delivery had an effect", "", ""}},
		{"the good one is done", s, bad(401).sentAt(10*sec, "a", 200, 0, entryOf(1)).effect(11*sec, "/effects/a", "a", ""), said{Pass, "refuses 1/1", "", "", ""}},
		{"the id put in its place is done", hooks(t, "  - {event: a, tamper: id-swapped}", "refuses"), record().sentAt(0, "a", 400, 0, isBad("id-swapped")).
			effect(sec, "/effects/a-swapped", "a-swapped", ""), said{Fail,
			"The consumer committed an effect on POST /effects/:event for a-swapped, of which 0 good deliveries had been sent.", "", "", ""}},
		{"cut off", s, record().sentAt(0, "a", 0, 0, isBad("wrong-secret"), notEnded), said{Inconclusive, "the run ended before 1 bad delivery was answered.", "", "", ""}},
		{"nothing bad", s, record().sentAt(10*sec, "a", 200, 0, entryOf(1)), said{Inconclusive, "no bad delivery was sent.", "", "", ""}},
	} {
		j.run(t)
	}
}

func TestFinalEffect(t *testing.T) {
	s := hooks(t, "  - {event: a}", "final_effect: {object: o 1, json: {status: shipped, items: [1, {n: 2.0}]}}")
	sent := func() *recorded { return record().sentAt(0, "a", 200, 0) }
	const good = `{"items":[1.0,{"n":2,"more":true}],"status":"shipped","at":"now"}`
	for _, j := range []judged{
		{"as it has to be", s, sent().effect(sec, "/orders/o%201?x=1", "a", `{"status":"paid"}`).effect(2*sec, "/orders/o%201", "b", good), said{Pass, "final_effect of o 1", "", "", ""}},
		{"the other way round", s, sent().effect(sec, "/orders/o%201", "b", good).effect(2*sec, "/orders/o%201", "a", `{"items":[1,{"n":2}],"status":"paid"}`), said{Fail,
			`The consumer left o 1 other than the events say, with effect 2: status is "paid", not "shipped".`, `status is "paid", not "shipped"`, "", ""}},
		{"a member is missing", s, sent().effect(sec, "/orders/o%201", "a", `{"status":"shipped"}`), said{Fail,
			"The consumer left o 1 other than the events say, with effect 1: items is missing.", "", "", ""}},
		{"deep inside", s, sent().effect(sec, "/orders/o%201", "a", `{"items":[1,{"n":3}],"status":"shipped"}`), said{Fail,
			"The consumer left o 1 other than the events say, with effect 1: items[1].n is 3, not 2.", "", "", ""}},
		{"no JSON", s, sent().effect(sec, "/orders/o%201", "a", "status=shipped"), said{Fail,
			"The consumer committed 14 bytes that are no JSON as the last effect on o 1.", "the last body is no JSON", "", ""}},
		{"another object", s, sent().effect(sec, "/orders/o%202", "a", good), said{Fail, "The consumer committed 0 effects on o 1.", "nothing was committed", "", ""}},
		{"nothing, and records are missing", s, sent().drops(1, "the ring rolled"), said{Inconclusive, "1 record dropped: the consumer committed 0 effects on o 1.", "", "", ""}},
		{"nothing delivered", s, record(), said{Inconclusive, "no good delivery was sent.", "", "", ""}},
	} {
		j.run(t)
	}
}

// TestDeliveriesMustHaveHappened: what was not delivered is named, and copies that were apart make the run inconclusive.
func TestDeliveriesMustHaveHappened(t *testing.T) {
	two := hooks(t, "  - {event: a, copies: 2}\n  - {event: b, when: {elapsed: 1m}, optional: true}\n  - {event: c, when: {elapsed: 20s}}\n  - {event: d, events: 3}", "acknowledges")
	found := func(log *recorded) map[string]Outcome {
		got := map[string]Outcome{}
		for _, f := range Judge(two, &log.Log).Findings {
			if f.Check == unwritten {
				got[f.Sentence] = f.Outcome
			}
		}
		return got
	}
	full := func(second time.Duration) *recorded {
		r := record().sentAt(0, "a", 200, 0, leftAt(sec)).sentAt(0, "a", 200, 0, copyNo(2), leftAt(sec+second)).sentAt(20*sec, "c", 200, 0, entryOf(2))
		return r.sentAt(0, "d_1", 200, 0, entryOf(3)).sentAt(0, "d_2", 200, 0, entryOf(3)).sentAt(0, "d_3", 200, 0, entryOf(3))
	}
	for _, c := range []struct {
		name string
		log  *recorded
		want map[string]Outcome
	}{
		{"all of it", full(5 * ms), map[string]Outcome{}},
		{"the copies were apart", full(5*ms + 1), map[string]Outcome{"the copies of a left 5ms apart, and one instant is at most 5ms.": Inconclusive}},
		{"some", record().sentAt(0, "a", 200, 0).sentAt(0, "d_2", 500, 0, entryOf(3)).sentAt(sec, "d_2", 500, 0, entryOf(3), retryNo(1)).until(5 * sec), map[string]Outcome{
			"1 of 2 deliveries of deliveries[0] (a) were not sent, or were cut short by the end of the run.": Inconclusive,
			"deliveries[2] (c) begins at 20s, the run ended at 5s.":                                          Inconclusive,
			"2 of 3 deliveries of deliveries[3] (d) were not sent, or were cut short by the end of the run.": Inconclusive}},
		{"none", record(), map[string]Outcome{"no delivery was sent: nothing says where the consumer is.": Inconclusive}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := found(c.log)
			if len(got) != len(c.want) {
				t.Fatalf("found %v, want %v", got, c.want)
			}
			for sentence, outcome := range c.want {
				if got[sentence] != outcome {
					t.Errorf("%q is %v: %v", sentence, got[sentence], got)
				}
			}
		})
	}
	effect := hooks(t, "  - {event: a, when: {effect: PUT /orders/:id}}", "acknowledges")
	v := Judge(effect, &record(made("PUT /orders/:id", at(0, 200))).Log)
	if want := "deliveries[0] (a) was never sent: there was no effect on PUT /orders/:id."; v.Findings[1].Sentence != want {
		t.Errorf("found %+v, want %q", v.Findings, want)
	}
}
