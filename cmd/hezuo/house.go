package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"hezuo/agreement"
	"hezuo/api"
	"hezuo/bus"
	"hezuo/config"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/moderation"
	"hezuo/realtime"
	"hezuo/store"
	"hezuo/store/sqlite"
	"hezuo/vault"
)

// house is every room, wired.
type house struct {
	cfg        config.Config
	log        *slog.Logger
	now        func() time.Time
	bus        *bus.Memory
	db         store.DB
	vault      *vault.Vault
	identity   *identity.Service
	board      *market.Board
	handshakes *matching.Handshakes
	engine     *matching.Engine
	contracts  *agreement.Contracts
	agreements *agreement.Agreements
	rooms      *realtime.Rooms
	cursors    *store.Cursors
	sockets    *realtime.Sockets
	desk       *moderation.Desk
	server     *api.Server
}

// options are what a command says beside the configuration.
type options struct {
	sender identity.Sender // nil: as configured
	stdout io.Writer
	stderr io.Writer
}

// build opens the store and wires the rooms. Close the house when done, also when
// only a part of it is used.
func build(ctx context.Context, cfg config.Config, o options) (h *house, err error) {
	h = &house{cfg: cfg, log: logger(cfg, o.stderr), now: time.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	h.bus = bus.NewMemory(h.now)
	if h.db, err = openStore(ctx, cfg.Store, h.log, func(log string, _ int64) { h.bus.Wake(log) }); err != nil {
		return h, err
	}
	if err := h.buildLower(ctx, o); err != nil {
		return h, err
	}
	return h, h.buildUpper(ctx)
}

// buildLower wires the rooms up to matching.
func (h *house) buildLower(ctx context.Context, o options) (err error) {
	master, err := h.cfg.Vault.Key()
	if err != nil {
		return err
	}
	kms, err := vault.NewFileKMS(master)
	if err != nil {
		return err
	}
	if h.vault, err = vault.New(ctx, vault.Config{DB: h.db, KMS: kms, Now: h.now, Node: node()}); err != nil {
		return err
	}
	sender := o.sender
	if sender == nil {
		if sender, err = configuredSender(h.cfg.SMS, o.stdout); err != nil {
			return err
		}
	}
	if h.identity, err = identity.New(ctx, identity.Config{
		DB: h.db, Vault: h.vault, Limiter: h.bus, Sender: sender, Issuer: h.cfg.PublicURL, Now: h.now, Logger: h.log,
		CodesPerPhone: h.cfg.Limits.CodesPerPhonePerHour, CodesPerAddress: h.cfg.Limits.CodesPerAddressPerHour,
	}); err != nil {
		return err
	}
	if h.board, err = market.NewBoard(ctx, market.Config{DB: h.db, Vault: h.vault, Now: h.now}); err != nil {
		return err
	}
	if h.contracts, err = agreement.NewContracts(ctx, agreement.ContractsConfig{
		DB: h.db, Vault: h.vault, Board: h.board, Keys: h.identity, Node: node(), Now: h.now,
	}); err != nil {
		return err
	}
	h.handshakes, err = matching.New(ctx, matching.Config{DB: h.db, Board: h.board, Contract: h.contracts, Node: node(), Now: h.now})
	return err
}

// buildUpper wires the rooms above matching.
func (h *house) buildUpper(ctx context.Context) (err error) {
	h.engine = matching.NewEngine(h.handshakes, h.log)
	if h.agreements, err = agreement.New(ctx, agreement.Config{Contracts: h.contracts, Handshakes: h.handshakes, Logger: h.log}); err != nil {
		return err
	}
	if h.cursors, err = store.OpenCursors(ctx, h.db); err != nil {
		return err
	}
	h.rooms = realtime.NewRooms(realtime.RoomsConfig{DB: h.db, Vault: h.vault, Handshakes: h.handshakes, Now: h.now})
	h.sockets = realtime.NewSockets(realtime.SocketsConfig{
		Identity: h.identity, Board: h.board, Handshakes: h.handshakes, Rooms: h.rooms,
		Hub:     realtime.NewHub(h.rooms, h.bus, h.log),
		Options: realtime.Options{Queue: h.cfg.Limits.SocketQueue, ReadLimit: int64(h.cfg.Limits.SocketFrameBytes)},
		Now:     h.now, Logger: h.log,
	})
	h.desk = moderation.NewDesk(h.board)
	h.server, err = api.New(ctx, api.Config{
		DB: h.db, Vault: h.vault, Identity: h.identity, Board: h.board, Engine: h.engine, Handshakes: h.handshakes,
		Rooms: h.rooms, Sockets: h.sockets, Agreements: h.agreements, Contracts: h.contracts, Desk: h.desk, Limiter: h.bus,
		Version: version, PublicURL: h.cfg.PublicURL, Origins: h.cfg.Origins, Proxies: h.cfg.TrustedProxies,
		Limits: api.Limits{
			BodyBytes: h.cfg.Limits.BodyBytes, RequestsPerMinute: h.cfg.Limits.RequestsPerMinute, AnonymousPerMinute: h.cfg.Limits.AnonymousPerMinute,
		},
		Keep: time.Duration(h.cfg.Retention.IdempotencyDays) * 24 * time.Hour, Now: h.now, Logger: h.log,
	})
	return err
}

// close closes the store, the last of all.
func (h *house) close() error {
	if h.db == nil {
		return nil
	}
	return h.db.Close()
}

// openStore opens the store of a URL.
func openStore(ctx context.Context, url string, log *slog.Logger, published func(string, int64)) (store.DB, error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok || path == "" {
		return nil, fmt.Errorf("store %q: this version knows sqlite:FILE", url)
	}
	db, err := sqlite.Open(ctx, sqlite.Options{Path: path, Published: published, Logger: log})
	if err != nil {
		return nil, err // and no store: a nil *sqlite.DB would be one
	}
	return db, nil
}

// configuredSender gives the sender of codes that the configuration names.
func configuredSender(sms config.SMS, stdout io.Writer) (identity.Sender, error) {
	if sms.Sender == config.SenderHTTP {
		return identity.NewHTTPSender(identity.HTTPSenderConfig{URL: sms.URL, Token: sms.Token.Reveal(), Timeout: sms.Timeout})
	}
	return identity.ConsoleSender(stdout), nil
}

// logger gives the log that the configuration asks for.
func logger(cfg config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo // Validate has seen it; a command that does not validate logs the usual
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// node names this process in audit trails.
func node() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}
