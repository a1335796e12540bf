package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"hezuo/config"
	"hezuo/market"
)

type demoCommand struct {
	Once   bool   `help:"Play the story, stop, and exit with 0 if all of it held, else 1."`
	Keep   string `help:"Leave the store, its key and configuration, and the signed agreement in this directory." placeholder:"DIR"`
	Listen string `help:"Address and port. Default 127.0.0.1:8080; with --once a free port." placeholder:"ADDRESS"`
	Store  string `help:"A store without markets, as sqlite:FILE. Default: a file that is thrown away, or the one in --keep." placeholder:"URL"`
	Seed   uint64 `help:"The same seed makes the same people." default:"1"`
	Log    string `help:"What is logged to standard error: debug, info, warn or error." enum:"debug,info,warn,error" default:"warn"`

	size size // zero: Liaocheng's; for tests
}

// demoListen is where the demonstration listens unless it is told otherwise.
const demoListen = "127.0.0.1:8080"

// Run fills a fresh store with a made-up Liaocheng and plays a story on it.
func (c *demoCommand) Run(w *world) (err error) {
	stage, err := c.prepare(w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.strike()) }()
	d := &demo{demoCommand: c, world: w, out: &lockedWriter{w: w.stdout}, stage: stage}
	d.sender = newDemoSender(d.out)
	if d.size == (size{}) {
		d.size = liaocheng
	}
	if d.town, err = newTown(c.Seed, d.size, time.Now()); err != nil {
		return errors.Join(err, stage.listener.Close())
	}
	if d.house, err = build(w.ctx, stage.cfg, options{sender: d.sender, stdout: d.out, stderr: w.stderr}); err != nil {
		return errors.Join(err, stage.listener.Close())
	}
	return d.run()
}

// demo is one run of the command.
type demo struct {
	*demoCommand
	*world
	*stage
	out    io.Writer
	sender *demoSender
	town   *town
	house  *house
}

func (d *demo) run() error {
	began := time.Now()
	d.opening()
	f := newFiller(d.house, d.town, d.sender)
	if err := f.found(d.ctx); err != nil {
		return d.ending(fmt.Errorf("filling the store: %w", err), errors.Join(d.listener.Close(), d.house.close()))
	}
	serving, stop := context.WithCancel(d.ctx)
	served := make(chan error, 1)
	go func() { served <- d.house.serve(serving, d.listener) }()
	err := f.open(d.ctx)
	if err != nil {
		err = fmt.Errorf("filling the store: %w", err)
	} else {
		err = d.filled(time.Since(began))
	}
	if err == nil {
		err = d.tell()
	}
	if err == nil && !d.Once {
		d.help()
		select {
		case <-d.ctx.Done():
		case failed := <-served:
			served <- failed
		}
	}
	stop()
	return d.ending(err, <-served)
}

// opening says what this is.
func (d *demo) opening() {
	_, _ = fmt.Fprintf(d.out, "合作 Hezuo: a made-up Liaocheng, seed %d, %s.\n", d.Seed, d.town.now.In(market.Shanghai).Format("Monday 2006-01-02 15:04"))
	_, _ = fmt.Fprint(d.out, "All people, firms, villages, phones, numbers and figures are made up; only the counties, towns and trades are real.\n")
}

// filled says what is in the store.
func (d *demo) filled(took time.Duration) error {
	jobs := map[market.JobState]int{}
	handshakes, err := d.count(jobs)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(d.out, "Filled in %.1f s: %d markets, each with an operator; %d cooperatives with %d teams; %d employers with %d jobs, of which\n",
		took.Seconds(), len(d.town.operators), d.size.cooperatives, d.size.teams, d.size.employers, d.size.jobs)
	_, _ = fmt.Fprintf(d.out, "%d are open, %d filled, %d expired, %d closed, %d removed, %d in review, %d drafts; %d agencies of the second tier, %d owners of the third;\n",
		jobs[market.JobOpen], jobs[market.JobFilled], jobs[market.JobExpired], jobs[market.JobClosed], jobs[market.JobRemoved], jobs[market.JobInReview], jobs[market.JobDraft],
		d.size.agencies, d.size.outsiders)
	_, _ = fmt.Fprintf(d.out, "the engine has made %d offers. It serves on %s.\n", handshakes, d.url())
	return nil
}

// tell plays the story.
func (d *demo) tell() error {
	d.sender.show()
	began := time.Now()
	s := &story{
		h: d.house, town: d.town, sender: d.sender, url: d.url(), dir: d.dir, out: d.out,
		http: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
	}
	if err := s.play(d.ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(d.out, "\nThe whole story held: %d steps in %.1f s.\n", s.step, time.Since(began).Seconds())
	if d.Keep != "" {
		d.kept()
	}
	return nil
}

// ending says what did not hold. A person who stops the demonstration after the
// story has seen it hold.
func (d *demo) ending(err, served error) error {
	switch {
	case err == nil:
		return served
	case d.ctx.Err() != nil:
		_, _ = fmt.Fprintln(d.out, "\nStopped before the story was over.")
	default:
		_, _ = fmt.Fprintf(d.out, "\nIT DID NOT HOLD: %v\n", err)
	}
	if served != nil {
		_, _ = fmt.Fprintf(d.out, "And the server said: %v\n", served)
	}
	return exit(1)
}

func (d *demo) url() string { return d.cfg.PublicURL }

// listen takes the port first: that it is taken by another is said at once.
func (c *demoCommand) listen(ctx context.Context) (net.Listener, error) {
	address := c.Listen
	if address == "" {
		address = demoListen
		if c.Once {
			address = "127.0.0.1:0"
		}
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// lockedWriter lets the story and the phones write at the same time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements [io.Writer].
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// demoConfig is the demonstration's configuration, apart from its key.
func demoConfig(l net.Listener, store, level string) config.Config {
	cfg := config.Default()
	cfg.Listen, cfg.PublicURL, cfg.Store, cfg.Log.Level = l.Addr().String(), "http://"+reachable(l.Addr()), store, level
	return cfg
}

// reachable gives an address under which this machine reaches a listener.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return a.String()
}
