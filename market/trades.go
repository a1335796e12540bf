package market

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

//go:embed trades.json
var tradesJSON []byte

// Trade is a kind of work that cooperatives do. The list is ours: no official
// one fits. Codes never change and are never used for another trade, because
// jobs and agreements keep them; a trade that is no longer wanted stays.
type Trade struct {
	// Code is short kebab-case English, such as "fruit-picking".
	Code    string `json:"code"`
	Name    string `json:"name"` // in Chinese
	English string `json:"english"`
	// Category groups trades of like skills; CategoryName is its Chinese.
	Category     string `json:"category"`
	CategoryName string `json:"category_name"`
	// Requirements are suggestions in Chinese for the form of a job. None is
	// about a person's sex, age, origin or health beyond what law demands.
	Requirements []string `json:"requirements"`
	// PayUnit is how the trade is usually paid: hour, day, piece or lump_sum.
	PayUnit PayUnit `json:"pay_unit"`
	// ExampleDayLowFen and ExampleDayHighFen are a day's pay in fen for the
	// demonstration. The figures are made up, neither official nor surveyed:
	// no rule may use them.
	ExampleDayLowFen  int64 `json:"example_day_low_fen"`
	ExampleDayHighFen int64 `json:"example_day_high_fen"`
}

// tradeIndex is tradesJSON indexed. Nobody may change it once it is made.
type tradeIndex struct {
	list   []Trade
	byCode map[string]Trade
}

var loadTrades = sync.OnceValue(func() tradeIndex {
	t, err := parseTrades(tradesJSON)
	if err != nil {
		panic("market: the embedded trades.json is corrupt: " + err.Error())
	}
	return t
})

func parseTrades(data []byte) (tradeIndex, error) {
	var file struct {
		Trades []Trade `json:"trades"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return tradeIndex{}, err
	}
	if len(file.Trades) == 0 {
		return tradeIndex{}, errors.New("no trades")
	}
	t := tradeIndex{list: file.Trades, byCode: make(map[string]Trade, len(file.Trades))}
	for _, trade := range file.Trades {
		if _, ok := t.byCode[trade.Code]; ok || trade.Code == "" {
			return tradeIndex{}, fmt.Errorf("the code %q is empty or stands twice", trade.Code)
		}
		t.byCode[trade.Code] = trade
	}
	return t, nil
}

// TradeByCode returns the trade with the code. The caller may change it.
func TradeByCode(code string) (Trade, bool) {
	t, ok := loadTrades().byCode[code]
	t.Requirements = slices.Clone(t.Requirements)
	return t, ok
}

// Trades returns all trades, those of a category together. The caller may
// change them.
func Trades() []Trade {
	list := slices.Clone(loadTrades().list)
	for i := range list {
		list[i].Requirements = slices.Clone(list[i].Requirements)
	}
	return list
}
