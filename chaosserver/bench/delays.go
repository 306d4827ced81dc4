package main

import (
	"fmt"
	"time"
)

// delays compares how exact a delay of 50 ms is, at 500 requests a second.
func delays(int) error {
	fmt.Println("\na delay of 50ms at 500 requests/s, 4000 requests; error in ms from the write to the last byte")
	for _, row := range []struct{ kind, path string }{{"sleep", "/50ms"}, {"httpbin", "/delay/50ms"}, {"delay50", "/"}} {
		if err := accuracy(row.kind, row.path, 50*time.Millisecond, 4000, 500, 400); err != nil {
			return err
		}
	}
	return nil
}

// inFlight compares how exact a delay of 2 s is with 5,000 requests under way, and what memory each takes.
func inFlight(int) error {
	fmt.Println("\na delay of 2s at 2500 requests/s, 5000 under way, 10000 requests; error in ms")
	for _, row := range []struct{ kind, path string }{{"sleep", "/2s"}, {"delay2s", "/"}, {"delayvar", "/%d"}} {
		if err := accuracy(row.kind, row.path, 2*time.Second, 10_000, 2500, 5400); err != nil {
			return err
		}
	}
	return nil
}

func accuracy(kind, path string, delay time.Duration, n int, rate float64, conns int) error {
	s, err := start(kind)
	if err != nil {
		return err
	}
	defer s.stop()
	l, err := newLoad(s.addr, conns, func(i int) string {
		target := path
		if path == "/%d" {
			target = fmt.Sprintf(path, i)
		}
		return "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"
	})
	if err != nil {
		return err
	}
	defer l.close()
	_, idle, err := s.usage()
	if err != nil {
		return err
	}
	took, err := l.openLoop(n, rate)
	if err != nil {
		return err
	}
	_, peak, err := s.usage()
	if err != nil {
		return err
	}
	var late []float64
	early := 0
	for _, d := range took {
		if d < delay {
			early++
		}
		late = append(late, float64(d-delay)/float64(time.Millisecond))
	}
	fmt.Printf("%-10s p50 %.2f  p99 %.2f  p99.9 %.2f  early %d", kind, quantile(late, 0.5), quantile(late, 0.99), quantile(late, 0.999), early)
	if conns > 1000 {
		under := min(float64(n), rate*delay.Seconds())
		fmt.Printf("  KiB a request under way, connection included: %.1f (%.0f MiB in all, %.0f with connections alone)", float64(peak)/under, float64(peak)/1024, float64(idle)/1024)
	}
	fmt.Println()
	return nil
}
