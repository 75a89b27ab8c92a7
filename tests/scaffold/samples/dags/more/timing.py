import datetime

import pendulum
from airflow import DAG
from airflow.models.param import Param

ZONE = "America/New_York"
EVERY = datetime.timedelta(hours=6)
start = pendulum.datetime(2026, 1, 1, tz=pendulum.timezone(ZONE))

six_hourly = DAG(dag_id="six_hourly", schedule_interval=EVERY, start_date=start)
by_hand = DAG(dag_id="by_hand", schedule=None, start_date=start)
once = DAG(dag_id="once", schedule="@once", start_date=start)
on_data = DAG(dag_id="on_data", schedule=[Dataset("s3://bucket/key")], start_date=start)
workdays = DAG(dag_id="workdays", timetable=AfterWorkdayTimetable(), start_date=start)
seconds = DAG(dag_id="seconds", schedule=datetime.timedelta(seconds=30), start_date=start)
broken_cron = DAG(dag_id="broken_cron", schedule="0 99 * * *", start_date=start)
made = [DAG(dag_id=f"made_{n}", schedule="@daily") for n in range(3)]
close = DAG("close", schedule="30 16 * * 1-5", start_date=start)
