"""segmentd answers one question, fast and truthfully: which segments is this user in, right now?"""
