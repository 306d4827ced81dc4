package suites_test

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/gomega"

	"brownout/chaosserver/journal"
	"brownout/resilience/httpclient"
	"brownout/scenarios"
	"brownout/suites"
	"brownout/suites/trial"
	"brownout/suites/verdict"
)

// bundled returns a maker of bundled clients with these options. A client makes keys of its own only where an option says so.
func bundled(options ...httpclient.Option) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		return must(httpclient.New(base, options...)).Client()
	}
}

// onFreshConnections gives each attempt a connection of its own: on a used one net/http itself may repeat a request that got no
// answer, and nobody could tell that from a retry.
func onFreshConnections(newClient suites.NewClient) suites.NewClient {
	return func(base http.RoundTripper) *http.Client {
		base.(*http.Transport).DisableKeepAlives = true
		return newClient(base)
	}
}

// scenario reads a scenario that a spec has written out.
func scenario(yaml string) *scenarios.Scenario {
	s, err := scenarios.Parse("spec.yaml", []byte("name: spec\n"+yaml))
	Expect(err).NotTo(HaveOccurred())
	Expect(s.Warnings).To(BeEmpty(), "warnings about %s", yaml)
	Expect(s.Undeclared).To(BeEmpty())
	return s
}

// judged runs a scenario that a spec has written out against a client, and returns the verdict.
func judged(yaml string, newClient suites.NewClient) verdict.Verdict {
	return suites.JudgedBy(theT(), scenario(yaml), newClient)
}

// record is what a trial left: the verdict, and the journal for what no check is built for.
type record struct {
	verdict.Verdict
	*journal.Log
}

// observed runs a scenario like judged, and returns the journal too.
func observed(yaml string, newClient suites.NewClient) record {
	s := scenario(yaml)
	var r record
	var err error
	suites.InBubble(theT(), func() {
		r.Verdict, r.Log, err = trial.InMemory(context.Background(), s, newClient)
	})
	Expect(err).NotTo(HaveOccurred())
	return r
}

// call returns the attempts of the driver's call of that number.
func (r record) call(n int) []journal.Attempt {
	var list []journal.Attempt
	for _, a := range r.Log.Attempts {
		if a.CallNo == n {
			list = append(list, a)
		}
	}
	return list
}

// on returns the attempts on a route.
func (r record) on(route string) []journal.Attempt {
	var list []journal.Attempt
	for _, a := range r.Log.Attempts {
		if a.Route == route {
			list = append(list, a)
		}
	}
	return list
}

// gaps returns the waits of the driver's call of that number: from when an answer was sent to the next attempt.
func (r record) gaps(call int) []time.Duration {
	var list []time.Duration
	atts := r.call(call)
	for k := range atts[:max(0, len(atts)-1)] {
		list = append(list, atts[k+1].First-atts[k].Sent)
	}
	return list
}

// ok returns what the client said of the driver's call of that number.
func (r record) ok(call int) bool {
	for _, said := range r.Results {
		if said.Call == call {
			return said.OK
		}
	}
	return false
}

// field returns the value of an attempt's header field, as the journal has it.
func field(a *journal.Attempt, name string) string {
	for _, f := range a.Headers {
		if http.CanonicalHeaderKey(f.Name) == http.CanonicalHeaderKey(name) {
			return f.Value
		}
	}
	return ""
}
