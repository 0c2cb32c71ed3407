package main_test

import (
	"os"
	"testing"

	"github.com/bobtail-go/bobtail/firmware/qemutest"
)

func TestMain(m *testing.M) { os.Exit(qemutest.Main(m)) }
