package trial

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"brownout/scenarios"
	"brownout/suites/drive"
	"brownout/suites/verdict"
)

// BenchmarkTenThousandEvents delivers 10,000 events, three copies each at one instant, to a consumer on loopback in this
// process, with the journal in a file, and judges them. An op is the whole trial, the two seconds for which it settles
// included; events/s count from the first byte of a delivery to the end of the last.
func BenchmarkTenThousandEvents(b *testing.B) {
	s, err := scenarios.Parse("many.yaml", []byte("name: many\ndeliveries: [{event: e, events: 10000, copies: 3, json: {amount: 4999}}]\nexpect: [acknowledges]"))
	if err != nil {
		b.Fatal(err)
	}
	consumer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer consumer.Close()
	for b.Loop() {
		r, err := Run(b.Context(), Config{Scenario: s, Driver: drive.Nobody{}, Journal: filepath.Join(b.TempDir(), "many.ndjson"), Webhook: consumer.URL})
		if err != nil {
			b.Fatal(err)
		}
		d := r.Log.Deliveries
		if len(d) != 30_000 || r.Verdict.Findings[0].Outcome != verdict.Pass {
			b.Fatalf("%d deliveries: %+v", len(d), r.Verdict.Findings)
		}
		var last time.Duration
		for i := range d {
			last = max(last, d[i].Done)
		}
		began := time.Now()
		verdict.Judge(s, r.Log)
		b.ReportMetric(10_000/(last-d[0].Sent).Seconds(), "events/s")
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-to-judge")
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapSys)/(1<<20), "MiB-heap")
	}
}
