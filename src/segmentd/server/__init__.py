"""The gRPC server: conversion, limits, errors and the run of a process. Only this floor knows gRPC status codes."""
