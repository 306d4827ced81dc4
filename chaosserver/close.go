package chaosserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"brownout/chaosserver/journal"
)

// CloseClientConnections ends every connection with a FIN, also those with an attempt under way.
func (s *Server) CloseClientConnections() {
	var farewells sync.WaitGroup
	for _, c := range s.open() {
		if c.secure == nil {
			_ = c.Close()
			continue
		}
		farewells.Go(func() { _ = c.Close() }) // a client that reads nothing makes nobody else wait
	}
	farewells.Wait()
}

// open returns the connections that are open, in the order in which they were accepted.
func (s *Server) open() []*conn {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	slices.SortFunc(conns, func(a, b *conn) int { return int(a.id) - int(b.id) })
	return conns
}

// Reset begins the scenario anew: its time is 0, and no call, attempt or chance of before counts. The journal begins
// anew as well, unless it has a file, which goes on. Connections stay open, and are recorded as accepted at the
// beginning of the run. An attempt that is under way ends in the run in which it came.
func (s *Server) Reset() error {
	current := s.run.Load()
	if current == nil {
		return nil
	}
	var next *run
	if s.config.journal.File != "" {
		next = s.runWith(current.journal, current.seq)
	} else {
		r, err := s.newRun(s.inMemory())
		if err != nil {
			return fmt.Errorf("chaosserver: %w", err)
		}
		next = r
	}
	s.follow(next)
	if _, err := s.turnPorts(next); err != nil { // at once: who goes on behind a reset finds the ports of its beginning
		s.failed(err)
		return err
	}
	return s.deliverAnew(next)
}

// follow makes next the current run. Its time begins. The connections that are open are, in its record, before anything that
// happens on them there.
func (s *Server) follow(next *run) {
	s.turnover.Lock()
	defer s.turnover.Unlock()
	next.elapsed(next.at(time.Now()))
	if s.run.Load().journal != next.journal {
		for _, c := range s.open() {
			if c.endedIn == nil {
				next.open(journal.OpenRecord{ID: c.id, Remote: c.remote, Host: c.port.host, TLS: c.secure != nil})
			}
		}
	}
	previous := s.run.Swap(next)
	close(previous.over)
	previous.tell()
}

func (s *Server) inMemory() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory
}

// Close ends the server: it closes its listener and its connections, cuts short what is under way, waits for every
// goroutine and shuts the journal, whose record can still be read. The error is the first that the journal's file gave, and
// says why the server could not go on as the scenario says; see [Server.Broken]. Calling it again does nothing and returns
// the same error.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.shut
	s.shut = true
	srv, client, ports, clock := s.http, s.client, s.ports, s.clock
	s.mu.Unlock()
	if first {
		s.copies.wait(copyGrace)
		s.cancel()
		clock.Close()
		if srv != nil {
			_ = srv.Close()
			client.CloseIdleConnections()
		}
		s.CloseClientConnections()
		if s.upstream != nil {
			s.upstream.Close()
		}
	}
	s.stopSending()
	s.work.Wait()
	if first {
		release(ports)
	}
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if r := s.run.Load(); r != nil {
		err = errors.Join(err, r.journal.Shut())
	}
	return err
}
