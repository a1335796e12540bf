package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"hezuo/config"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
	"hezuo/vault"
)

// The files of --keep, beside those of the story.
const (
	keptStore  = "hezuo.db"
	keptKey    = "master.key"
	keptConfig = "hezuo.yaml"
)

// stage is where the demonstration is played: a directory, a store, a key, a port.
type stage struct {
	dir       string // the story's files go here
	throwAway bool   // with all that is in it
	cfg       config.Config
	listener  net.Listener
}

// prepare sets the stage, and refuses one where something is already.
func (c *demoCommand) prepare(w *world) (s *stage, err error) {
	s = &stage{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.strike())
		}
	}()
	if err := c.directory(s); err != nil {
		return s, err
	}
	url := c.Store
	if url == "" {
		url = "sqlite:" + filepath.Join(s.dir, keptStore)
	}
	if err := mustBeEmpty(w.ctx, url); err != nil {
		return s, err
	}
	if s.listener, err = c.listen(w.ctx); err != nil {
		return s, err
	}
	s.cfg = demoConfig(s.listener, url, c.Log)
	if err = c.makeKey(s); err == nil {
		err = s.cfg.Validate()
	}
	if err != nil {
		err = errors.Join(err, s.listener.Close())
	}
	return s, err
}

// directory makes the directory, or takes the one that is to be kept.
func (c *demoCommand) directory(s *stage) (err error) {
	if c.Keep == "" {
		s.throwAway = true
		s.dir, err = os.MkdirTemp("", "hezuo-demo-")
		return err
	}
	if s.dir, err = filepath.Abs(c.Keep); err != nil {
		return err
	}
	return os.MkdirAll(s.dir, 0o700)
}

// strike takes the stage down, once the house is closed.
func (s *stage) strike() error {
	if s.throwAway && s.dir != "" {
		return os.RemoveAll(s.dir)
	}
	return nil
}

// makeKey makes a fresh master key, and where the demonstration is to be kept
// writes it down, with a configuration that finds it.
func (c *demoCommand) makeKey(s *stage) error {
	key, err := vault.GenerateMasterKey(rand.Reader)
	if err != nil {
		return err
	}
	if c.Keep == "" {
		s.cfg.Vault.MasterKey = config.NewSecret(key)
		return nil
	}
	s.cfg.Vault.MasterKeyFile = filepath.Join(s.dir, keptKey)
	if err := writeNew(s.cfg.Vault.MasterKeyFile, key+"\n"); err != nil {
		return err
	}
	return writeNew(filepath.Join(s.dir, keptConfig), c.keptConfig(s))
}

// keptConfig writes the configuration that serves what was kept. A port that was
// free by chance is not written down.
func (c *demoCommand) keptConfig(s *stage) string {
	listen, url := s.cfg.Listen, s.cfg.PublicURL
	if _, port, err := net.SplitHostPort(c.Listen); c.Listen == "" || err != nil || port == "0" {
		listen, url = demoListen, "http://"+demoListen
	}
	store := s.cfg.Store
	if path, err := filepath.Abs(storePath(store)); err == nil {
		store = "sqlite:" + path
	}
	q := strconv.Quote // a YAML string in double quotes too
	return "# Made by hezuo demo --keep. Everything in the store is made up.\n" +
		"listen: " + q(listen) + "\npublic_url: " + q(url) + "\nstore: " + q(store) +
		"\nvault:\n  master_key_file: " + q(s.cfg.Vault.MasterKeyFile) + "\n"
}

// writeNew writes a file that only its owner can read, and that is not there yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: the demonstration overwrites nothing; name another directory", path)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// storePath gives the file of a store's URL; empty where it names none.
func storePath(url string) string {
	const scheme = "sqlite:"
	if len(url) <= len(scheme) || url[:len(scheme)] != scheme {
		return ""
	}
	return url[len(scheme):]
}

// mustBeEmpty refuses a store that has markets: the demonstration would be mixed
// with what is there.
func mustBeEmpty(ctx context.Context, url string) error {
	path := storePath(url)
	if path == "" {
		return fmt.Errorf("store %q: the demonstration takes sqlite:FILE", url)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	db, err := openStore(ctx, url, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	heads, err := db.Logs(ctx, store.AuditLog("markets", ""), "", 1)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if len(heads) > 0 {
		return fmt.Errorf("the store %s has markets already: the demonstration wants a fresh one; name another file, or remove this one if nobody needs it", path)
	}
	return nil
}

// kept says what was left behind, and what can be done with it.
func (d *demo) kept() {
	_, _ = fmt.Fprintf(d.out, "\nKept in %s:\n", d.dir)
	for _, line := range []string{
		"hezuo check --config " + filepath.Join(d.dir, keptConfig),
		"hezuo serve --config " + filepath.Join(d.dir, keptConfig),
		"hezuo verify --keys " + filepath.Join(d.dir, platformKeys) + " " + filepath.Join(d.dir, agreementFile),
	} {
		_, _ = fmt.Fprintln(d.out, "  "+line)
	}
	if d.Once {
		d.phones()
	}
}

// The lines between which made-up phones stand in full. Nowhere else does the
// demonstration print one.
const (
	phonesBegin = "--- made-up phones to sign in with; the codes appear on this console ---"
	phonesEnd   = "--- end of made-up phones ---"
)

// phones says how to sign in as those of the story.
func (d *demo) phones() {
	_, _ = fmt.Fprintf(d.out, "\n%s\n", phonesBegin)
	c := d.town.cast
	for _, p := range []struct{ what, phone string }{
		{"the employer (用工主体)", c.employer.phone},
		{"the cooperative's leader (社长)", c.cooperative.person.phone},
		{"the agency (机构)", c.agency.person.phone},
		{"the operator in " + c.county.Name + " (市场运营员)", d.town.operators[c.county.Code].phone},
		{"the auditor (审计员)", d.town.auditor.phone},
		{"the admin (管理员)", d.town.admin.phone},
	} {
		_, _ = fmt.Fprintf(d.out, "  %s  %s\n", p.phone, p.what)
	}
	_, _ = fmt.Fprintln(d.out, phonesEnd)
}

// help says how to go on by hand, while the house stays up.
func (d *demo) help() {
	d.sender.forget()
	_, _ = fmt.Fprintf(d.out, "\nIt stays up on %s until Ctrl-C; the API's description is at %s/openapi.json.\n", d.url(), d.url())
	_, _ = fmt.Fprint(d.out, "To sign in: POST /v1/sign-in/codes with a phone, then POST /v1/sign-in with the phone and the code.\n")
	d.phones()
}

// count counts jobs by state, and handshakes.
func (d *demo) count(jobs map[market.JobState]int) (handshakes int, err error) {
	err = d.house.board.Jobs.Each(d.ctx, store.Range{Limit: 1000}, func(it store.Item[market.Job]) error {
		jobs[it.Doc.State]++
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = d.house.handshakes.Collection().Each(d.ctx, store.Range{Limit: 1000}, func(store.Item[matching.Handshake]) error {
		handshakes++
		return nil
	})
	return handshakes, err
}
