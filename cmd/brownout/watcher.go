package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"brownout/chaosserver"
	"brownout/suites/report"
)

// watcher tells of what a server does: to people on stdout, or to programs there and to people on stderr. It is for one
// goroutine at a time.
type watcher struct {
	source *source
	srv    *chaosserver.Server
	live   *report.Live
	began  time.Time
	json   bool
	out    io.Writer // where programs read
	people io.Writer
	style  report.Style

	attempts int
	good     bool   // the last attempt was answered by a 2xx
	ended    bool   // a call has ended well since the verdict was last told
	told     string // the verdict so far
	err      error  // the first of writing
}

func newWatcher(cmd *cobra.Command, src *source, json bool, srv *chaosserver.Server, began time.Time) *watcher {
	w := &watcher{source: src, srv: srv, began: began, json: json, out: cmd.OutOrStdout(), people: cmd.OutOrStdout(),
		live: report.NewLive(src.scenario, srv.Journal().Header().Start)}
	if json {
		w.people = cmd.ErrOrStderr()
	}
	w.style = styleOf(cmd, w.people)
	return w
}

// keep keeps the first error of writing.
func (w *watcher) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}
