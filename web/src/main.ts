import './style.css';
import './app.css';
import {mount} from 'svelte';
import App from './app/App.svelte';
import ReportPage from './report/ReportPage.svelte';

// report.html carries its data; without any this is the server's page.
const target = document.getElementById('page')!;
const inlined = document.getElementById('data');
if (inlined) mount(ReportPage, {target, props: {data: JSON.parse(inlined.textContent!)}});
else mount(App, {target});
