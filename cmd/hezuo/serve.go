package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hezuo/config"
)

// common are the flags of every command that works on a store.
type common struct {
	Config string `help:"Configuration file (YAML)." type:"existingfile" placeholder:"FILE"`
	Store  string `help:"Store, as sqlite:FILE. Overrides the configuration." placeholder:"URL"`
}

// besideStore is the configuration that is used where none is named: that of the
// store's own folder.
const besideStore = "hezuo.yaml"

// load reads the configuration, with what the flags override. Where no file is
// named but one stands beside the store that is, it is used, and that is said.
func (c common) load(w *world) (config.Config, error) {
	file := c.Config
	if path, ok := strings.CutPrefix(c.Store, "sqlite:"); ok && file == "" {
		beside := filepath.Join(filepath.Dir(path), besideStore)
		if _, err := os.Stat(beside); err == nil {
			_, _ = fmt.Fprintf(w.stderr, "hezuo: with the configuration %s\n", beside)
			file = beside
		}
	}
	cfg, err := config.Load(file, w.environ)
	if err != nil {
		return cfg, err
	}
	if c.Store != "" {
		cfg.Store = c.Store
	}
	return cfg, nil
}

type serveCommand struct {
	common
	Listen string `help:"Address and port. Overrides the configuration." placeholder:"ADDRESS"`
}

// Run serves until the signal to stop.
func (c *serveCommand) Run(w *world) error {
	cfg, err := c.load(w)
	if err != nil {
		return err
	}
	if c.Listen != "" {
		cfg.Listen = c.Listen
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	h, err := build(w.ctx, cfg, options{stdout: w.stdout, stderr: w.stderr})
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(w.ctx, "tcp", cfg.Listen)
	if err != nil {
		return errors.Join(err, h.close())
	}
	_, _ = fmt.Fprintf(w.stdout, "hezuo %s listens on http://%s\n", version, l.Addr())
	return h.serve(w.ctx, l)
}

// serve runs the house until ctx ends, then stops in order: listener, sockets,
// workers, store.
func (h *house) serve(ctx context.Context, l net.Listener) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var work sync.WaitGroup
	work.Go(func() { h.engine.Run(working, h.cursors, h.bus) })
	work.Go(func() { h.agreements.Run(working, h.cursors, h.bus) })
	work.Go(func() { h.sweep(working) })
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(l) }()

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	}
	h.log.InfoContext(ctx, "stopping")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.ShutdownTimeout)
	defer cancel()
	stopped := h.server.Shutdown(end)
	stopWork()
	work.Wait()
	err := errors.Join(failed, stopped, h.close())
	h.log.InfoContext(ctx, "stopped")
	return err
}

// sweepEvery is how often what is over is forgotten.
const sweepEvery = time.Minute

// sweep forgets what is over: codes, tickets, kept answers.
func (h *house) sweep(ctx context.Context) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		_, identityErr := h.identity.Sweep(ctx, h.now())
		_, answersErr := h.server.Sweep(ctx, h.now())
		if err := errors.Join(identityErr, answersErr); err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "what is over could not all be forgotten", "error", err)
		}
	}
}
