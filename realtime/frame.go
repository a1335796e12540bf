package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hezuo/fault"
)

// Bounds of a request's envelope.
const (
	MaxID    = 64        // characters of a request's id
	MaxRoom  = 128       // characters of a room's name
	MaxDepth = 16        // objects and arrays inside one another, the frame itself included
	MaxSince = 1<<53 - 1 // the largest integer that a browser counts exactly
)

// Do is what a request asks for. The decoder checks its form; the hub knows the
// set, and refuses what is not in it.
type Do string

// The acts of a room.
const (
	DoJoin     Do = "join"
	DoLeave    Do = "leave"
	DoSay      Do = "say"
	DoPropose  Do = "propose"
	DoAccept   Do = "accept"
	DoWithdraw Do = "withdraw"
	DoRead     Do = "read"
	DoPing     Do = "ping"
)

// Request is a frame from a client. It is answered exactly once, by
// [EncodeAnswer] or [EncodeError] with its ID.
type Request struct {
	ID    string          `json:"id"` // the client's; 1 to [MaxID] visible ASCII characters
	Do    Do              `json:"do"`
	Room  string          `json:"room,omitempty"`  // visible ASCII; empty where the act has none
	Since *int64          `json:"since,omitempty"` // the last number that the client has; nil if it did not say
	Body  json.RawMessage `json:"body,omitempty"`  // a JSON object without spaces, or nil
}

// DecodeRequest reads a request strictly. A request that it refuses still has
// its ID if it came with a good one, so that the refusal can be sent to it;
// without one there is nobody to answer. The error is a *[fault.Error] that
// names the field ("frame" for the whole) and the fix. The request shares no
// memory with the frame.
func DecodeRequest(frame []byte) (Request, error) {
	m, err := split(frame)
	if err != nil {
		return Request{}, err
	}
	var r Request
	if r.ID, err = m.token("id", MaxID); err != nil {
		return Request{}, err
	}
	if m.stranger != "" {
		return r, fault.Field(m.stranger, "a request has no such field", "send only id, do, room, since and body")
	}
	if m.twice != "" {
		return r, fault.Field(m.twice, "the field is there twice", "send it once")
	}
	if r.Do, err = m.do(); err != nil {
		return r, err
	}
	if _, ok := m.raw["room"]; ok {
		if r.Room, err = m.token("room", MaxRoom); err != nil {
			return r, err
		}
	}
	if r.Since, err = m.since(); err != nil {
		return r, err
	}
	r.Body, err = m.body()
	return r, err
}

// EncodeRequest is how a client writes a request.
func EncodeRequest(r Request) ([]byte, error) { return encode(r) }

// Decode reads the request's body strictly into a struct. The error is a
// *[fault.Error] that names the field as "body.…". A request without a body
// reads as an empty one.
func (r Request) Decode(into any) error {
	body := r.Body
	if body == nil {
		body = json.RawMessage("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fault.Field("body."+wrong.Field, "the value is of the wrong kind", "send "+kindName(wrong)).Wrap(err)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(name); err == nil && visible(name, MaxID) {
			return fault.Field("body."+name, "this act has no such field", "leave it out")
		}
	}
	return fault.Field("body", "the body is not what this act takes", "see the act's description").Wrap(err)
}

// kindName says what JSON a Go type wants, without naming the type.
func kindName(e *json.UnmarshalTypeError) string {
	switch k := e.Type.Kind().String(); {
	case k == "string":
		return "a string"
	case k == "bool":
		return "true or false"
	case strings.HasPrefix(k, "int"), strings.HasPrefix(k, "uint"):
		return "a whole number in range"
	case k == "slice", k == "array":
		return "a list"
	}
	return "the kind that the act's description names"
}

// members are the top-level fields of a request, as they came.
type members struct {
	raw      map[string]json.RawMessage
	stranger string // a field that no request has
	twice    string // a field that came more than once
}

// split checks the frame as a whole and takes it apart.
func split(frame []byte) (members, error) {
	switch {
	case !utf8.Valid(frame):
		return members{}, fault.Field("frame", "the frame is not valid UTF-8", "send text as UTF-8")
	case deeper(frame, MaxDepth):
		return members{}, fault.Field("frame", fmt.Sprintf("the frame is nested deeper than %d levels", MaxDepth), "send a flatter body")
	case !json.Valid(frame) || bytes.TrimLeft(frame, " \t\r\n")[0] != '{':
		return members{}, fault.Field("frame", "the frame is not one JSON object", "send one object a frame, and nothing behind it")
	}
	m := members{raw: make(map[string]json.RawMessage, 5)}
	dec := json.NewDecoder(bytes.NewReader(frame))
	if _, err := dec.Token(); err != nil { // the opening brace
		return members{}, broken(err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return members{}, broken(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return members{}, broken(err)
		}
		name, ok := key.(string)
		switch _, again := m.raw[name]; {
		case !ok || !isField(name):
			m.stranger = label(name)
		case again && name == "id":
			return members{}, fault.Field("id", "the field is there twice", "send one id a request")
		case again:
			m.twice = name
		default:
			m.raw[name] = value
		}
	}
	return m, nil
}

func broken(err error) error {
	return fault.Field("frame", "the frame is not one JSON object", "send one object a frame, and nothing behind it").Wrap(err)
}

func isField(name string) bool {
	switch name {
	case "id", "do", "room", "since", "body":
		return true
	}
	return false
}

// label is a stranger's name if it can stand in a message, and "frame" if not.
func label(name string) string {
	if visible(name, MaxID) {
		return name
	}
	return "frame"
}

// deeper reports whether brackets stand inside one another more than limit
// deep. It needs no stack, whatever is sent to it.
func deeper(frame []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(frame); i++ {
		switch b := frame[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > limit {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// visible reports whether s is 1 to limit visible ASCII characters. Names that
// come back in answers and stand in logs are of these alone: no spaces, no
// control characters, no two spellings of one name.
func visible(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (m members) text(field string) (string, bool) {
	raw := m.raw[field]
	if len(raw) == 0 || raw[0] != '"' {
		return "", false // null would unmarshal into "" without an error
	}
	var s string
	return s, json.Unmarshal(raw, &s) == nil
}

func (m members) token(field string, limit int) (string, error) {
	s, ok := m.text(field)
	if !ok || !visible(s, limit) {
		return "", fault.Field(field, fmt.Sprintf("%s must be 1 to %d visible ASCII characters", field, limit), "send a string of letters, digits and signs, without spaces")
	}
	return s, nil
}

func (m members) do() (Do, error) {
	s, ok := m.text("do")
	ok = ok && visible(s, 32)
	for i := 0; ok && i < len(s); i++ {
		ok = 'a' <= s[i] && s[i] <= 'z' || s[i] == '_' && i > 0
	}
	if !ok {
		return "", fault.Field("do", "do must name an act", "send one of join, leave, say, propose, accept, withdraw, read, ping")
	}
	return Do(s), nil
}

func (m members) since() (*int64, error) {
	raw, ok := m.raw["since"]
	if !ok {
		return nil, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || raw[0] == '-' || n > MaxSince {
		return nil, fault.Field("since", fmt.Sprintf("since must be a whole number from 0 to %d", int64(MaxSince)), "send the number of the last entry that you have")
	}
	return &n, nil
}

func (m members) body() (json.RawMessage, error) {
	raw, ok := m.raw["body"]
	if !ok {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, fault.Field("body", "the body must be an object", "send an object, or leave body out")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, broken(err)
	}
	return b.Bytes(), nil
}

// answer is what a request gets back.
type answer struct {
	Re    string   `json:"re"`
	OK    bool     `json:"ok,omitempty"`
	Body  any      `json:"body,omitempty"`
	Error *problem `json:"error,omitempty"`
}

// problem is a fault on the wire.
type problem struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Field   string     `json:"field,omitempty"`
	Fix     string     `json:"fix,omitempty"`
}

// EncodeAnswer writes the answer to a request that was done. Body may be nil;
// an error means that it cannot be written as JSON.
func EncodeAnswer(id string, body any) ([]byte, error) {
	if raw, ok := body.(json.RawMessage); ok && raw == nil {
		body = nil
	}
	return encode(answer{Re: id, OK: true, Body: body})
}

// EncodeError writes the answer to a request that was refused or failed: the
// first fault in err's tree, without its cause. Anything that is no fault, and
// every [fault.Internal], becomes an internal error with no inner text; the
// caller logs it.
func EncodeError(id string, err error) []byte {
	p := problem{Code: fault.Internal, Message: "something went wrong on our side", Fix: "try again; if it stays, tell the market's operator"}
	if all := fault.All(err); len(all) > 0 && all[0].Code != fault.Internal {
		f := all[0]
		p = problem{Code: f.Code, Message: f.Message, Field: f.Field, Fix: f.Fix}
	}
	frame, err := encode(answer{Re: id, Error: &p})
	if err != nil {
		panic(err) // strings alone can always be written
	}
	return frame
}

// Push is a frame that no request asked for: an entry of a log, or a passing
// state that is in none (then without Log and N).
type Push struct {
	Push string          `json:"push"`           // what it is about: room, inbox, …
	Log  string          `json:"log,omitempty"`  // the log that the entry is in
	N    int64           `json:"n,omitempty"`    // its number there, from 1, without gaps
	Kind string          `json:"kind,omitempty"` // what happened
	At   time.Time       `json:"at,omitzero"`    // when; written in UTC
	Body json.RawMessage `json:"body,omitempty"`
}

// EncodePush writes a push. An error means that its body is not JSON, or its
// time no date of this age.
func EncodePush(p Push) ([]byte, error) {
	if !p.At.IsZero() {
		p.At = p.At.UTC()
	}
	return encode(p)
}

// encode writes v as JSON on one line, without the escapes that only HTML needs.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("realtime: encoding a frame: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
