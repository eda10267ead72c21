# report.py
import os

from tailwire_client import SyncClient

with SyncClient(os.environ["TAILWIRE"], os.environ["TOKEN"]) as client:
    print(client.send("lobby", "The nightly report is ready").seq)
    for room in client.each(client.api.rooms.mine()):
        print(room.name, room.unread_count)
    print(client.wait(client.api.account.me()).username)
