package main

import (
	"fmt"
	"slices"
	"time"
)

// window is how long one server is measured before the other is.
const window = time.Second

// rates compares requests per second and CPU time a request with those of bare net/http.
func rates(pairs int) error {
	fmt.Println("closed loop, 64 connections; ratios to the first, median (quartiles)")
	fmt.Printf("%-10s %-10s %-22s %-22s %s\n", "floor", "server", "requests/s", "CPU a request", "CPU us (floor's)")
	for _, row := range []struct{ a, b, path string }{
		{"bare", "mux20", "/api/v1/res10/items"},
		{"bare", "httpbin", "/get"},
		{"bare", "ours20", "/api/v1/res10/items"},
		{"bare", "plain20", "/api/v1/res10/items"},
		{"ours20", "ours200", "/api/v1/res10/items"},
		{"bare", "vars20", "/api/v1/res10/items"},
		{"bare", "vars200", "/api/v1/res10/items"},
		{"plain20", "limits20", "/api/v1/res10/items"},
		{"plain20", "commit20", "/api/v1/res10/items"},
		{"bare", "file20", "/api/v1/res10/items"},
	} {
		if wanted != nil && !slices.Contains(wanted, row.b) {
			continue
		}
		if err := compare(row.a, row.b, row.path, pairs); err != nil {
			return err
		}
	}
	return nil
}

// compare prints what b needs, as a ratio to a.
func compare(a, b, path string, pairs int) error {
	floor, err := newMeasured(a, path)
	if err != nil {
		return err
	}
	defer floor.stop()
	other, err := newMeasured(b, path)
	if err != nil {
		return err
	}
	defer other.stop()
	var rate, cpu, each, floorEach []float64
	for i := range pairs + 1 {
		var fast, slow sample
		for _, m := range []struct {
			m *measured
			s *sample
		}{{floor, &fast}, {other, &slow}, {other, &slow}, {floor, &fast}} {
			if err := m.m.window(m.s); err != nil {
				return err
			}
		}
		if i == 0 {
			continue // warms up
		}
		rate = append(rate, float64(slow.answers)/float64(fast.answers))
		cpu = append(cpu, slow.each()/fast.each())
		each, floorEach = append(each, slow.each()), append(floorEach, fast.each())
	}
	fmt.Printf("%-10s %-10s %-22s %-22s %.1f (%.1f)\n", a, b, spread(rate), spread(cpu), quantile(each, 0.5), quantile(floorEach, 0.5))
	return nil
}

func spread(v []float64) string {
	return fmt.Sprintf("%.3f (%.3f..%.3f)", quantile(v, 0.5), quantile(v, 0.25), quantile(v, 0.75))
}

// measured is a server with a load on it.
type measured struct {
	*server
	load *load
}

func newMeasured(kind, path string) (*measured, error) {
	s, err := start(kind)
	if err != nil {
		return nil, err
	}
	l, err := newLoad(s.addr, connections, func(int) string {
		return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n\r\n"
	})
	if err != nil {
		s.stop()
		return nil, err
	}
	return &measured{s, l}, nil
}

func (m *measured) stop() {
	m.load.close()
	m.server.stop()
}

// sample is what was measured of one server in the windows of one round.
type sample struct {
	answers int
	cpu     int64 // microseconds
}

func (s *sample) each() float64 { return float64(s.cpu) / float64(s.answers) }

func (m *measured) window(s *sample) error {
	before, _, err := m.usage()
	if err != nil {
		return err
	}
	n, err := m.load.closedLoop(window)
	if err != nil {
		return err
	}
	after, _, err := m.usage()
	s.answers += n
	s.cpu += after - before
	return err
}
