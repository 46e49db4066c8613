"""A small real network on this machine: real sockets, real messages, real cryptography, nothing beyond loopback.

It runs as its own process, so that the gate meets a network as it meets any other one.
"""
