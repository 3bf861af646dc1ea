#!/bin/sh
echo "Hello from Amazon Lambda"
echo "Received args: $*"
