package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"
	"github.com/oklog/ulid/v2"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/store"
)

// visit finds out who makes the request, and gives it its time.
func (s *Server) visit(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), requestTimeout)
	defer cancel()
	v := &visitor{address: c.IP()}
	if scheme, token, ok := strings.Cut(c.Get(fiber.HeaderAuthorization), " "); ok && strings.EqualFold(scheme, "Bearer") {
		p, err := s.cfg.Identity.Authenticate(ctx, token)
		if err != nil {
			if limited := s.allow(ctx, c, "address/"+v.address, s.cfg.Limits.AnonymousPerMinute); limited != nil {
				return limited
			}
			c.Set(fiber.HeaderWWWAuthenticate, `Bearer error="invalid_token"`)
			return err
		}
		if v.caller, err = s.cfg.Board.Caller(ctx, p); err != nil {
			return err
		}
		v.principal, v.signedIn = p, true
	}
	if err := v.readHeaders(c); err != nil {
		return err
	}
	c.SetUserContext(context.WithValue(ctx, visitorKey{}, v))
	return c.Next()
}

// readHeaders reads the idempotency key and the revision that the client saw.
func (v *visitor) readHeaders(c *fiber.Ctx) error {
	if key := c.Get("Idempotency-Key"); key != "" {
		if len(key) < 8 || len(key) > 128 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fault.Field("Idempotency-Key", "this is no idempotency key", "send 8 to 128 visible ASCII characters, random")
		}
		v.key = key
		sum := sha256.New()
		_, _ = fmt.Fprintf(sum, "%s\n%s\n", c.Method(), c.Path())
		sum.Write(c.Body())
		v.sum = hex.EncodeToString(sum.Sum(nil))
	}
	if tag := c.Get(fiber.HeaderIfMatch); tag != "" && tag != "*" {
		rev, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`), 10, 64)
		if err != nil || rev < 1 {
			return fault.Field("If-Match", "this is no ETag of ours", `send the ETag of the last answer, such as "3"`)
		}
		v.rev = rev
	}
	return nil
}

// limit bounds how often a person, or an address, may ask.
func (s *Server) limit(c *fiber.Ctx) error {
	v := visitorOf(c.UserContext())
	key, events := "address/"+v.address, s.cfg.Limits.AnonymousPerMinute
	if v.signedIn {
		key, events = "person/"+v.principal.Person, s.cfg.Limits.RequestsPerMinute
	}
	if err := s.allow(c.UserContext(), c, key, events); err != nil {
		return err
	}
	return c.Next()
}

// allow takes one event of a key, or says how long to wait.
func (s *Server) allow(ctx context.Context, c *fiber.Ctx, key string, events int) error {
	ok, after, err := s.cfg.Limiter.Allow(ctx, key, events, time.Minute)
	if err != nil {
		return err
	}
	if !ok {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(after.Seconds())+1))
		return fault.New(fault.TooMany, "too many requests").WithFix("wait as long as Retry-After says")
	}
	return nil
}

// command gives the command of a visitor's act: repeated with the same key, it is
// the same.
func (s *Server) command(v *visitor) store.Command {
	cmd := v.caller.Command(v.key, s.cfg.Now())
	cmd.Rev = v.rev
	if v.key == "" {
		cmd.ID = ulid.Make().String()
		return cmd
	}
	cmd.ID = v.principal.Person + "/" + v.key
	cmd.Hash = v.sum
	return cmd
}

// act gives all that a handler of a signed-in act needs.
func (s *Server) act(ctx context.Context) (market.Caller, store.Command) {
	v := visitorOf(ctx)
	return v.caller, s.command(v)
}

// socket opens a websocket for whoever has a ticket.
func (s *Server) socket(c *fiber.Ctx) error {
	p, err := s.cfg.Identity.Redeem(c.UserContext(), c.Query("ticket"))
	if err != nil {
		return err
	}
	return s.upgrade.Upgrade(c, func(ws *websocket.Conn) { s.cfg.Sockets.Serve(s.stop, p, ws) })
}
