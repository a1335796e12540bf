package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"hezuo/agreement"
	"hezuo/bus"
	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/moderation"
	"hezuo/realtime"
	"hezuo/store"
	"hezuo/vault"
)

// Limits bound what clients may send.
type Limits struct {
	BodyBytes          int // of a request
	RequestsPerMinute  int // of a person
	AnonymousPerMinute int // of an address
}

// Config is what a [Server] needs. All of it is required but Origins, Proxies and
// Ready.
type Config struct {
	DB         store.DB
	Vault      *vault.Vault
	Identity   *identity.Service
	Board      *market.Board
	Engine     *matching.Engine
	Handshakes *matching.Handshakes
	Rooms      *realtime.Rooms
	Sockets    *realtime.Sockets
	Agreements *agreement.Agreements
	Contracts  *agreement.Contracts
	Desk       *moderation.Desk
	Limiter    bus.Limiter

	Version   string
	PublicURL string
	Origins   []string // browser origins allowed beside our own
	Proxies   []string // CIDRs of proxies whose X-Forwarded-For is believed
	Limits    Limits
	Keep      time.Duration // of answers to idempotency keys
	Now       func() time.Time
	Logger    *slog.Logger
	// Ready tells what the process waits for before it can serve; nil: nothing but
	// the store.
	Ready func(context.Context) error
}

// Server answers HTTP.
type Server struct {
	cfg     Config
	log     *slog.Logger
	app     *fiber.App
	api     huma.API
	answers *store.Collection[answer]
	upgrade realtime.Upgrader
	stop    context.Context // ends when the server stops: the sockets' context
	cancel  context.CancelFunc
}

// requestTimeout is how long one request may take: a client that has gone does
// not end its request by itself.
const requestTimeout = 30 * time.Second

// New makes a server; [Server.Serve] starts it.
func New(ctx context.Context, cfg Config) (*Server, error) {
	humaErrors()
	s := &Server{cfg: cfg, log: cfg.Logger}
	var err error
	if s.answers, err = store.Open(ctx, cfg.DB, answerSpec()); err != nil {
		return nil, err
	}
	s.stop, s.cancel = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName: "hezuo", DisableStartupMessage: true, Immutable: true, StrictRouting: true, CaseSensitive: true,
		// What is somewhat too large is read and answered, by Huma; beyond this fasthttp
		// cuts the connection, and few clients see its answer.
		BodyLimit: 4 * cfg.Limits.BodyBytes, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		EnableTrustedProxyCheck: true, TrustedProxies: cfg.Proxies, ProxyHeader: fiber.HeaderXForwardedFor, EnableIPValidation: true,
		ErrorHandler: s.fiberError,
	})
	realtime.Prepare(s.app)
	s.upgrade.CheckOrigin = s.originAllowed
	s.app.Use(recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: s.panicked}), s.headers, s.cors(), s.logged, s.unpacked)
	s.app.Get("/healthz", func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	s.app.Get("/readyz", s.ready)
	s.app.Use(s.visit, s.limit, s.remembered)
	s.app.Get("/v1/socket", s.socket)
	s.app.Get("/.well-known/jwks.json", s.jwks)
	s.app.Get("/.well-known/agreement-keys.json", s.agreementKeys)

	conf := huma.DefaultConfig("Hezuo 合作: 农村劳务合作社零工市场", cfg.Version)
	conf.Info.Description = "The market of rural labour-service cooperatives. Times are UTC, days are civil dates in Asia/Shanghai, money is in fen."
	conf.DocsPath, conf.SchemasPath = "", ""
	conf.CreateHooks = nil
	conf.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	conf.Formats = map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat}
	conf.RejectUnknownQueryParameters = true
	conf.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	s.api = humafiber.New(s.app, conf)
	s.register()
	return s, nil
}

// OpenAPI gives the API's description.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// Serve answers on a listener until [Server.Shutdown].
func (s *Server) Serve(l net.Listener) error { return s.app.Listener(l) }

// Shutdown stops in order: no new connections, then the sockets are sent away to
// come back elsewhere, then the requests under way are waited for, until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() { stopped <- s.app.ShutdownWithContext(ctx) }()
	err := s.cfg.Sockets.Close(ctx)
	s.cancel()
	return errors.Join(err, <-stopped)
}

// headers are those that every answer has.
func (s *Server) headers(c *fiber.Ctx) error {
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Referrer-Policy", "no-referrer")
	c.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.Set("Cache-Control", "no-store")
	if strings.HasPrefix(s.cfg.PublicURL, "https:") {
		c.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return c.Next()
}

// jsonFormat reads only what is UTF-8: encoding/json would put replacement marks in
// place of what is not, and they would be stored.
var jsonFormat = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		if !utf8.Valid(data) {
			return errors.New("the text is not UTF-8")
		}
		return json.Unmarshal(data, v)
	},
}

// unpacked refuses packed bodies: Fiber would unpack them without a limit, and a
// megabyte can hold a thousand.
func (s *Server) unpacked(c *fiber.Ctx) error {
	if len(c.Request().Header.PeekAll(fiber.HeaderContentEncoding)) > 0 {
		return fiber.ErrUnsupportedMediaType
	}
	return c.Next()
}

// cors lets in the origins that the configuration names, and no other.
func (s *Server) cors() fiber.Handler {
	if len(s.cfg.Origins) == 0 {
		return func(c *fiber.Ctx) error { return c.Next() }
	}
	return cors.New(cors.Config{
		AllowOrigins:  strings.Join(s.cfg.Origins, ","),
		AllowHeaders:  "Authorization,Content-Type,Idempotency-Key,If-Match",
		ExposeHeaders: "ETag,Retry-After,Idempotency-Replayed",
		MaxAge:        600,
	})
}

// logged writes one line a request, without query and without personal data.
func (s *Server) logged(c *fiber.Ctx) error {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	c.Set("X-Request-Id", hex.EncodeToString(id))
	start := s.cfg.Now()
	if err := c.Next(); err != nil {
		if err := s.fiberError(c, err); err != nil {
			return err
		}
	}
	s.log.LogAttrs(c.UserContext(), slog.LevelInfo, "request",
		slog.String("id", hex.EncodeToString(id)), slog.String("method", c.Method()), slog.String("route", c.Route().Path),
		slog.Int("status", c.Response().StatusCode()), slog.Duration("took", s.cfg.Now().Sub(start)))
	return nil
}

func (s *Server) panicked(c *fiber.Ctx, p any) {
	s.log.ErrorContext(c.UserContext(), "a handler panicked", "route", c.Route().Path, "panic", fmt.Sprint(p))
}

// fiberError answers what did not reach a handler of ours.
func (s *Server) fiberError(c *fiber.Ctx, err error) error {
	p := &Problem{}
	var fe *fiber.Error
	if errors.As(err, &fe) {
		p = refused(fe.Code, strings.ToLower(http.StatusText(fe.Code)), nil)
		switch fe.Code {
		case http.StatusNotFound:
			p.Detail, p.Fix = "there is nothing here", "see /openapi.json for what there is"
		case http.StatusMethodNotAllowed:
			p.Detail, p.Fix = "this does not take the method", "see Allow for those that it takes"
		case http.StatusUnsupportedMediaType:
			p.Detail, p.Fix = "the body is packed", "send it as it is, without Content-Encoding"
		case http.StatusRequestEntityTooLarge:
			p.Fix = fmt.Sprintf("send at most %d bytes", s.cfg.Limits.BodyBytes)
		}
	} else {
		p = toProblem(c.UserContext(), s.log, err)
	}
	c.Status(p.Status)
	if err := c.JSON(p); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, p.ContentType(""))
	return nil
}

// ready answers whether this node can serve.
func (s *Server) ready(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 2*time.Second)
	defer cancel()
	err := s.cfg.DB.Ready(ctx)
	if err == nil && s.cfg.Ready != nil {
		err = s.cfg.Ready(ctx)
	}
	if err != nil {
		s.log.WarnContext(ctx, "not ready", "error", err)
		return fault.New(fault.Unavailable, "not ready").Wrap(err)
	}
	return c.SendString("ready\n")
}

// originAllowed says whether a page may open a socket: our own, or one that the
// configuration names. A client that is no browser sends no origin.
func (s *Server) originAllowed(origin, host string) bool {
	if origin == "" || origin == "http://"+host || origin == "https://"+host {
		return true
	}
	for _, o := range s.cfg.Origins {
		if origin == o {
			return true
		}
	}
	return false
}

// jwks publishes the keys under which access tokens are signed.
func (s *Server) jwks(c *fiber.Ctx) error {
	keys, err := s.cfg.Identity.JWKS(c.UserContext())
	if err != nil {
		return err
	}
	return c.JSON(keys)
}

// agreementKeys publishes the keys under which the platform countersigns.
func (s *Server) agreementKeys(c *fiber.Ctx) error {
	keys, err := s.cfg.Agreements.PlatformJWKS(c.UserContext())
	if err != nil {
		return err
	}
	return c.JSON(keys)
}

// schemaName names a type in the OpenAPI document: our own by its name, another
// room's by the room and its name, since two rooms may use the same word.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if room := path.Base(t.PkgPath()); t.PkgPath() != "" && room != "api" {
		return strings.ToUpper(room[:1]) + room[1:] + name
	}
	return name
}

// operationID names a route for generated clients.
func operationID(r route) string {
	parts := strings.FieldsFunc(strings.TrimPrefix(r.path, "/v1"), func(c rune) bool { return c == '/' || c == '-' || c == '{' || c == '}' })
	return strings.ToLower(r.method) + "-" + strings.Join(parts, "-")
}
