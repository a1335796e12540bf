package realtime_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hezuo/fault"
	"hezuo/realtime"
)

func TestDecodeRequest(t *testing.T) {
	n := int64(17)
	long := strings.Repeat("x", 64)
	brackets := `{"t":"\"[[[[[[[[[[[[[[[[[[[["}`
	for _, tc := range []struct {
		sent string
		want realtime.Request
	}{
		{`{"id":"1","do":"ping"}`, realtime.Request{ID: "1", Do: realtime.DoPing}},
		{
			" {\"do\" : \"join\",\n\"id\":\"a-1_~\", \"since\":17, \"room\":\"room:01J\", \"body\": { \"a\" : [ 1, \"< >\" ] } }\r\n",
			realtime.Request{ID: "a-1_~", Do: realtime.DoJoin, Room: "room:01J", Since: &n, Body: json.RawMessage(`{"a":[1,"< >"]}`)},
		},
		{
			`{"id":"\u0031","do":"say","body":{"text":"明天见","id":"2","id":"3"}}`,
			realtime.Request{ID: "1", Do: realtime.DoSay, Body: json.RawMessage(`{"text":"明天见","id":"2","id":"3"}`)},
		},
		{`{"id":"` + long + `","do":"say_more","since":0}`, realtime.Request{ID: long, Do: "say_more", Since: new(int64)}},
		{`{"id":"1","do":"say","body":` + nested(15) + `}`, realtime.Request{ID: "1", Do: realtime.DoSay, Body: json.RawMessage(nested(15))}},
		{`{"id":"1","do":"say","body":` + brackets + `}`, realtime.Request{ID: "1", Do: realtime.DoSay, Body: json.RawMessage(brackets)}},
	} {
		got, err := realtime.DecodeRequest([]byte(tc.sent))
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tc.sent, err, diff)
		}
	}
}

// nested is an object that is depth deep.
func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
}

// Each refusal names the field and the fix, and has the id if there was a good
// one, wherever in the frame it stood.
func TestDecodeRequestRefuses(t *testing.T) {
	for _, tc := range []struct{ sent, id, field string }{
		{``, "", "frame"},
		{` `, "", "frame"},
		{`null`, "", "frame"},
		{`[]`, "", "frame"},
		{`"id"`, "", "frame"},
		{`{`, "", "frame"},
		{`{"id":"1","do":"say"`, "", "frame"},
		{`{"id":"1","do":"say"}{}`, "", "frame"},
		{`{"id":"1","do":"say"} x`, "", "frame"},
		{`{"id":"1","do":"say",}`, "", "frame"},
		{`{'id':"1"}`, "", "frame"},
		{"\xef\xbb\xbf{}", "", "frame"},
		{"{\"id\":\"1\",\"do\":\"say\",\"body\":{\"t\":\"\xff\"}}", "", "frame"},
		{`{"id":"1","do":"say","body":` + nested(16) + `}`, "", "frame"},
		{strings.Repeat("[", 60_000), "", "frame"},
		{`{}`, "", "id"},
		{`{"do":"say"}`, "", "id"},
		{`{"id":"","do":"say"}`, "", "id"},
		{`{"id":null,"do":"say"}`, "", "id"},
		{`{"id":1,"do":"say"}`, "", "id"},
		{`{"ID":"1","do":"say"}`, "", "id"},
		{`{"id":"1","do":"say","id":"1"}`, "", "id"},
		{`{"id":"1","do":"say","\u0069d":"1"}`, "", "id"},
		{`{"id":"` + strings.Repeat("x", 65) + `","do":"say"}`, "", "id"},
		{`{"id":"a b","do":"say"}`, "", "id"},
		{`{"id":"\u0000","do":"say"}`, "", "id"},
		{`{"id":"\ud800","do":"say"}`, "", "id"},
		{`{"id":"号","do":"say"}`, "", "id"},
		{`{"rooms":"x","do":"say","id":"1"}`, "1", "rooms"},
		{`{"Room":"x","do":"say","id":"1"}`, "1", "Room"},
		{`{"":1,"do":"say","id":"1"}`, "1", "frame"},
		{`{"` + strings.Repeat("x", 65) + `":1,"do":"say","id":"1"}`, "1", "frame"},
		{`{"do":"say","do":"say","id":"1"}`, "1", "do"},
		{`{"do":"say","id":"1","body":{},"body":{}}`, "1", "body"},
		{`{"id":"1"}`, "1", "do"},
		{`{"id":"1","do":""}`, "1", "do"},
		{`{"id":"1","do":"Say"}`, "1", "do"},
		{`{"id":"1","do":"_say"}`, "1", "do"},
		{`{"id":"1","do":"say it"}`, "1", "do"},
		{`{"id":"1","do":"` + strings.Repeat("x", 33) + `"}`, "1", "do"},
		{`{"id":"1","do":null}`, "1", "do"},
		{`{"id":"1","do":["say"]}`, "1", "do"},
		{`{"id":"1","do":"say","room":""}`, "1", "room"},
		{`{"id":"1","do":"say","room":null}`, "1", "room"},
		{`{"id":"1","do":"say","room":"a\nb"}`, "1", "room"},
		{`{"id":"1","do":"say","room":"` + strings.Repeat("x", 129) + `"}`, "1", "room"},
		{`{"id":"1","do":"say","since":-1}`, "1", "since"},
		{`{"id":"1","do":"say","since":-0}`, "1", "since"},
		{`{"id":"1","do":"say","since":1.0}`, "1", "since"},
		{`{"id":"1","do":"say","since":1e3}`, "1", "since"},
		{`{"id":"1","do":"say","since":"1"}`, "1", "since"},
		{`{"id":"1","do":"say","since":null}`, "1", "since"},
		{`{"id":"1","do":"say","since":9007199254740992}`, "1", "since"},
		{`{"id":"1","do":"say","since":99999999999999999999}`, "1", "since"},
		{`{"id":"1","do":"say","body":null}`, "1", "body"},
		{`{"id":"1","do":"say","body":[]}`, "1", "body"},
		{`{"id":"1","do":"say","body":"x"}`, "1", "body"},
	} {
		r, err := realtime.DecodeRequest([]byte(tc.sent))
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Errorf("%.80s was taken, or refused without a fault: %v", tc.sent, err)
			continue
		}
		if f.Code != fault.Invalid || f.Field != tc.field || f.Message == "" || f.Fix == "" || r.ID != tc.id {
			t.Errorf("%.80s: refused %q with %+v, want id %q, field %q", tc.sent, r.ID, f, tc.id, tc.field)
		}
	}
}

// roundTrip checks what must hold of any bytes: the decoder refuses them with a
// fault, or what it made of them writes and reads as itself.
func roundTrip(frame []byte) error {
	sent := bytes.Clone(frame)
	r, err := realtime.DecodeRequest(frame)
	if !bytes.Equal(sent, frame) {
		return errors.New("the decoder changed the frame")
	}
	if err != nil {
		f := new(fault.Error)
		if !errors.As(err, &f) || f.Code != fault.Invalid || f.Field == "" || f.Fix == "" {
			return fmt.Errorf("refused with %w", err)
		}
		answer := realtime.EncodeError(r.ID, err)
		if !json.Valid(answer) || !utf8.Valid(answer) {
			return fmt.Errorf("the refusal is written as %q", answer)
		}
		return nil
	}
	for i := range frame {
		frame[i] = 'x' // the request must not share it
	}
	again, err := realtime.EncodeRequest(r)
	if err != nil {
		return fmt.Errorf("cannot be written: %w", err)
	}
	r2, err := realtime.DecodeRequest(again)
	if err != nil {
		return fmt.Errorf("its own %s is refused: %w", again, err)
	}
	if diff := cmp.Diff(r, r2); diff != "" {
		return errors.New(diff)
	}
	if twice, err := realtime.EncodeRequest(r2); err != nil || !bytes.Equal(again, twice) {
		return fmt.Errorf("written as %s, then as %s, %w", again, twice, err)
	}
	return nil
}

func FuzzDecodeRequest(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","do":"ping"}`,
		`{"id":"1","do":"say","room":"room:1","since":9007199254740991,"body":{"text":"明天 <b> \u2028 \ud83d\ude00","n":[1e9,-0,{}]}}`,
		`{"id":"1","do":"say","id":"2"}`, `{"id":"\ud800","do":"say"}`, `{"x":[[[[[[[[[[[[[[[[[[`, `{"id":"1","do":"say","since":-0}`,
		"{\"id\":\"\xff\"}", `{"id":"1","do":"say","body":{"a":"\ud800"}}`, `{} {}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if err := roundTrip(frame); err != nil {
			t.Error(err)
		}
	})
}

// Requests made of likely pieces, good and bad: deeper than bytes at random.
func TestRoundTrip(t *testing.T) {
	value := rapid.SampledFrom([]string{
		`"1"`, `"say"`, `"号"`, `""`, `null`, `17`, `-0`, `1e3`, `9007199254740991`, `true`, `[]`, `{}`, `{"a":{"b":"\u003c \" \\"}}`, `{ "a" : 1 }`,
	})
	member := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"id", "do", "room", "since", "body", "ID", "", "\\u0069d"}).Draw(t, "name")
		return `"` + name + `":` + value.Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOfN(member, 0, 6).Draw(t, "members")
		if rapid.Bool().Draw(t, "good") {
			members = append(members, `"id":"7"`, `"do":"say"`)
		}
		tail := rapid.SampledFrom([]string{"", " ", "\n", "{}", ","}).Draw(t, "tail")
		if err := roundTrip([]byte("{" + strings.Join(members, ",") + "}" + tail)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRequestDecode(t *testing.T) {
	type body struct {
		Text string `json:"text"`
		Pay  struct {
			Fen int64 `json:"fen"`
		} `json:"pay"`
		Days []string `json:"days"`
		Sure bool     `json:"sure"`
	}
	for sent, field := range map[string]string{
		``:                     "",
		`{}`:                   "",
		`{"text":"a"}`:         "",
		`{"text":1}`:           "body.text",
		`{"pay":{"fen":"1"}}`:  "body.pay.fen",
		`{"pay":{"fen":1.5}}`:  "body.pay.fen",
		`{"days":{}}`:          "body.days",
		`{"sure":"yes"}`:       "body.sure",
		`{"pay":7}`:            "body.pay",
		`{"texts":"a"}`:        "body.texts",
		`{"a \" b":"a"}`:       "body",
		`{"pay":{"fen":1e99}}`: "body.pay.fen",
	} {
		var b body
		err := realtime.Request{Body: json.RawMessage(sent)[:len(sent):len(sent)]}.Decode(&b)
		if sent == "" {
			err = realtime.Request{}.Decode(&b)
		}
		var f *fault.Error
		switch {
		case field == "" && err != nil:
			t.Errorf("%s: %v", sent, err)
		case field != "" && (!errors.As(err, &f) || f.Field != field || f.Fix == ""):
			t.Errorf("%s: %v, want field %s", sent, err, field)
		}
	}
}

func TestEncodeAnswer(t *testing.T) {
	for _, tc := range []struct {
		body any
		want string
	}{
		{nil, `{"re":"7","ok":true}`},
		{json.RawMessage(nil), `{"re":"7","ok":true}`},
		{json.RawMessage(`{ "n": 1 }`), `{"re":"7","ok":true,"body":{"n":1}}`},
		{struct {
			Text string `json:"text"`
		}{"<合作>"}, `{"re":"7","ok":true,"body":{"text":"<合作>"}}`},
	} {
		if got, err := realtime.EncodeAnswer("7", tc.body); err != nil || string(got) != tc.want {
			t.Errorf("got %s, %v, want %s", got, err, tc.want)
		}
	}
	if got, err := realtime.EncodeAnswer("7", make(chan int)); err == nil {
		t.Errorf("a channel was written as %s", got)
	}
}

// A fault shows what is public of it; anything else shows nothing.
func TestEncodeError(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.7: secret")
	internal := `{"re":"7","error":{"code":"internal","message":"something went wrong on our side","fix":"try again; if it stays, tell the market's operator"}}`
	for _, tc := range []struct {
		err  error
		want string
	}{
		{fault.Field("body.text", "the text is empty", "write one").Wrap(secret), `{"re":"7","error":{"code":"invalid","message":"the text is empty","field":"body.text","fix":"write one"}}`},
		{fmt.Errorf("saying: %w", fault.New(fault.Gone, "the room is closed")), `{"re":"7","error":{"code":"gone","message":"the room is closed"}}`},
		{errors.Join(fault.New(fault.Conflict, "first"), fault.New(fault.Gone, "second")), `{"re":"7","error":{"code":"conflict","message":"first"}}`},
		{errors.Join(fault.New(fault.Conflict, "first"), secret), internal},
		{fault.New(fault.Internal, "our secret").Wrap(secret), internal},
		{secret, internal},
		{nil, internal},
	} {
		if got := string(realtime.EncodeError("7", tc.err)); got != tc.want {
			t.Errorf("%v: got %s", tc.err, got)
		}
	}
}

func TestEncodePush(t *testing.T) {
	at := time.Date(2031, 3, 1, 8, 30, 0, 5e8, time.FixedZone("CST", 8*3600))
	for _, tc := range []struct {
		push realtime.Push
		want string
	}{
		{realtime.Push{Push: "room", Log: "room:1", N: 12, Kind: "said", At: at, Body: json.RawMessage(`{"text": "a&b"}`)}, `{"push":"room","log":"room:1","n":12,"kind":"said","at":"2031-03-01T00:30:00.5Z","body":{"text":"a&b"}}`},
		{realtime.Push{Push: "presence"}, `{"push":"presence"}`},
	} {
		if got, err := realtime.EncodePush(tc.push); err != nil || string(got) != tc.want {
			t.Errorf("got %s, %v, want %s", got, err, tc.want)
		}
	}
	for _, bad := range []realtime.Push{{Body: json.RawMessage(`{`)}, {At: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}} {
		if got, err := realtime.EncodePush(bad); err == nil {
			t.Errorf("written as %s", got)
		}
	}
}

// The codes are a closed set, each may be sent (but 1006), and its close frame
// fits.
func TestCodes(t *testing.T) {
	names := map[string]bool{}
	for _, c := range realtime.Codes() {
		name := c.String()
		if !c.Known() || names[name] || len(name)+1+len(c.Back()) > 123 {
			t.Errorf("%d: name %q", c, name)
		}
		names[name] = true
		if standard := c >= 1000 && c <= 1013; !standard && (c < 4000 || c > 4999) {
			t.Errorf("%d is neither standard nor ours", c)
		}
		switch c.Back() {
		case realtime.BackNever, realtime.BackNow, realtime.BackLater, realtime.BackSignIn:
		default:
			t.Errorf("%d: back %q", c, c.Back())
		}
	}
	known := 0
	for c := range 65536 {
		if realtime.Code(c).Known() {
			known++
		}
	}
	if known != len(realtime.Codes()) {
		t.Errorf("%d codes are known, %d listed", known, len(realtime.Codes()))
	}
	if got := realtime.Code(4321).String(); got != "code_4321" {
		t.Errorf("an unknown code is called %q", got)
	}
}
