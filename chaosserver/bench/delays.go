package main

import (
	"fmt"
	"time"
)

// rounds is how often each server's delays are measured, in turn; the medians over the rounds are printed, since one
// burst of other work on the machine spoils the tail of a round.
const rounds = 5

// delays compares how exact a delay of 50 ms is, at 500 requests a second.
func delays(int) error {
	fmt.Printf("\na delay of 50ms at 500 requests/s, 2000 requests, median of %d rounds; error in ms from the write to the last byte\n", rounds)
	return accuracies([]asked{{"sleep", "/50ms"}, {"httpbin", "/delay/50ms"}, {"delay50", "/"}}, 50*time.Millisecond, 2000, 500, 400)
}

// inFlight compares how exact a delay of 2 s is with 5,000 requests under way, and what memory each takes.
func inFlight(int) error {
	fmt.Printf("\na delay of 2s at 2500 requests/s, 5000 under way, 10000 requests, median of %d rounds; error in ms\n", rounds)
	return accuracies([]asked{{"sleep", "/2s"}, {"delay2s", "/"}, {"delayvar", "/%d"}}, 2*time.Second, 10_000, 2500, 6000)
}

// asked is a server and what is asked of it.
type asked struct{ kind, path string }

// accuracy is how exact the delays of one round were, in milliseconds.
type accuracy struct {
	p50, p99, p999 []float64 // by round
	early          int
	kib            []float64 // of memory for a request under way
}

func accuracies(servers []asked, delay time.Duration, n int, rate float64, conns int) error {
	all := make([]accuracy, len(servers))
	for range rounds {
		for i, s := range servers {
			if err := all[i].round(s, delay, n, rate, conns); err != nil {
				return err
			}
		}
	}
	for i, s := range servers {
		a := &all[i]
		fmt.Printf("%-10s p50 %.2f  p99 %.2f (best round %.2f)  p99.9 %.2f  early %d", s.kind,
			quantile(a.p50, 0.5), quantile(a.p99, 0.5), quantile(a.p99, 0), quantile(a.p999, 0.5), a.early)
		if conns > 1000 {
			fmt.Printf("  KiB a request under way, connection included: %.1f", quantile(a.kib, 0.5))
		}
		fmt.Println()
	}
	return nil
}

func (a *accuracy) round(to asked, delay time.Duration, n int, rate float64, conns int) error {
	s, err := start(to.kind)
	if err != nil {
		return err
	}
	defer s.stop()
	l, err := newLoad(s.addr, conns, func(i int) string {
		target := to.path
		if target == "/%d" {
			target = fmt.Sprintf(target, i)
		}
		return "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"
	})
	if err != nil {
		return err
	}
	defer l.close()
	took, err := l.openLoop(n, rate)
	if err != nil {
		return err
	}
	_, peak, err := s.usage()
	if err != nil {
		return err
	}
	var late []float64
	for _, d := range took {
		if d < delay {
			a.early++
		}
		late = append(late, float64(d-delay)/float64(time.Millisecond))
	}
	a.p50 = append(a.p50, quantile(late, 0.5))
	a.p99 = append(a.p99, quantile(late, 0.99))
	a.p999 = append(a.p999, quantile(late, 0.999))
	a.kib = append(a.kib, float64(peak)/min(float64(n), rate*delay.Seconds()))
	return nil
}
